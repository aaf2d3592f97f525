// How deep parsed JSON is nested: what JSON.parse takes, JSON.stringify and every recursive check may not.

/**
 * Whether lists and objects stand in one another more than `most` deep. Looks level by level, so depth costs no stack.
 *
 * @example
 * isNestedDeeper(JSON.parse(text), 100)
 */
export function isNestedDeeper(value: unknown, most: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    const next: unknown[] = []
    for (const entry of level) {
      if (typeof entry !== 'object' || entry === null || ArrayBuffer.isView(entry)) continue
      if (depth >= most) return true
      for (const member of Object.values(entry)) next.push(member)
    }
    level = next
  }
  return false
}
