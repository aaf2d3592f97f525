// Damage of JSON trees: what a person or a program gets wrong while the file still parses.
import type { Random } from '@ood/core'
import { pick } from './target.ts'

type Tree = Record<string, unknown>

/** Values that are something else than what was there. */
function odd(rng: Random): unknown {
  const values: (() => unknown)[] = [
    () => null,
    () => true,
    () => 0,
    () => -1,
    () => 1e308,
    () => 2 ** 53,
    () => 0.5,
    () => '',
    () => '../../etc/passwd',
    () => '__proto__',
    () => 'x'.repeat(1 + rng.integer(2000)),
    () => [],
    () => ({}),
    () => [null],
    () => [[[[]]]],
    () => DEEP,
    () => Array.from({ length: rng.integer(300) }, (_, i) => i),
    () => Object.fromEntries(Array.from({ length: rng.integer(300) }, (_, i) => [`k${i}`, i])),
  ]
  return pick(rng, values)()
}

/** Stands for a list too deep for JSON.stringify. */
const DEEP = '@deep@'

/** `value` as JSON text with one to three of its members replaced, left out, renamed or doubled. */
export function damagedJson(value: unknown, rng: Random): string {
  const text = JSON.stringify(damagedTree(value, rng)) ?? 'null'
  if (!text.includes(DEEP)) return text
  const depth = 1 + rng.integer(100_000)
  return text.replaceAll(`"${DEEP}"`, `${'['.repeat(depth)}${']'.repeat(depth)}`)
}

function damagedTree(value: unknown, rng: Random): unknown {
  const copy: unknown = structuredClone(value)
  if (rng.integer(50) === 0) return copy
  if (rng.integer(100) === 0) return odd(rng)
  for (let i = 1 + rng.integer(3); i > 0; i--) {
    const found = parents(copy)
    if (found.length === 0) return odd(rng)
    const parent = pick(rng, found)
    const keys = Object.keys(parent)
    const key = pick(rng, keys)
    const what = rng.integer(6)
    // A hole in a list is nothing that JSON can hold.
    if (what === 0 && Array.isArray(parent)) parent.splice(Number(key), 1)
    else if (what === 0) delete parent[key]
    else if (what === 1) parent[`${key}x`] = parent[key]
    else if (what === 2) parent[key] = parent[pick(rng, keys)]
    else if (what === 3 && typeof parent[key] === 'number') parent[key] = parent[key] * pick(rng, [-1, 0, 2, 0.5, 1e9])
    else parent[key] = odd(rng)
  }
  return copy
}

/** Objects and lists with members, as they stand in the tree; deep ones that damage made are left alone. */
function parents(value: unknown): Tree[] {
  const found: Tree[] = []
  const walk = (at: unknown, depth: number): void => {
    if (typeof at !== 'object' || at === null || depth > 12 || found.length > 500) return
    const members = Object.values(at)
    if (members.length > 0) found.push(at as Tree)
    for (const member of members) walk(member, depth + 1)
  }
  walk(value, 0)
  return found
}
