// The list of what is refused and why, held against what was found.
import type { Finding } from './check-case.ts'

/** Steps of cases that are refused for one reason. A step covers its own float64 form and single inputs of it. */
export interface Refusal {
  /** Why. */
  readonly why: string
  /** Steps: read, write, simplify, float64, jvp, vjp; `jvp by <input>` for one input. */
  readonly steps: readonly string[]
  readonly cases: readonly string[]
}

/** Every fault as a line, and the number of cases with an expected refusal. */
export function judge(
  findings: readonly Finding[],
  listed: readonly Refusal[],
  ran: ReadonlySet<string>,
): { faults: string[]; refused: number } {
  const faults: string[] = []
  const expected = new Set(listed.flatMap(({ steps, cases }) => cases.flatMap((c) => steps.map((s) => `${c} ${s}`))))
  const seen = new Set<string>()
  const cases = new Set<string>()
  for (const { case: name, step, kind, detail } of findings) {
    if (kind === 'ok' || kind === 'unrunnable') continue
    const key = `${name} ${step.replace(/^float64 /, '')}`
    if (kind === 'refused' && expected.has(key)) {
      seen.add(key)
      cases.add(name)
    } else faults.push(`${kind === 'refused' ? 'refused, but not listed' : kind}: ${name}, ${step}: ${detail}`)
  }
  for (const key of expected) {
    if (ran.has(key.split(' ')[0]!) && !seen.has(key)) faults.push(`listed as refused, but is not: ${key}`)
  }
  return { faults, refused: cases.size }
}
