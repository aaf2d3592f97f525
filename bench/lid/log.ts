// The log of the benchmark: one JSON line a finished cell, appended, so that a killed run goes on where it was.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { sha256 } from '@ood/core/node'
import type { Cell, Logged } from './types.ts'

/** Raised when the meaning of a cell changes, so that old lines are measured again. */
const VERSION = 1

/** The key of a cell: a hash of everything that decides its result. */
export function keyOf(cell: Cell): string {
  const { suite, set, estimator, settings, seed, n, queries, model } = cell
  const text = JSON.stringify([
    VERSION,
    suite,
    set,
    estimator,
    settings,
    seed,
    n,
    queries,
    ...(model === undefined ? [] : [model]),
  ])
  return sha256(text).slice(0, 16)
}

/** An append-only log. */
export interface Log {
  has(cell: Cell): boolean
  append(line: Omit<Logged, 'key'>): void
  lines(): Logged[]
}

/** Opens or begins the log of `file`. A last line cut by a kill is dropped, and its cell is measured again. */
export function openLog(file: string): Log {
  const known = new Map<string, Logged>()
  if (existsSync(file)) {
    const text = readFileSync(file, 'utf8')
    for (const line of text.split('\n')) {
      if (line === '') continue
      try {
        const parsed = JSON.parse(line) as Logged
        if (parsed.key === keyOf(parsed.cell)) known.set(parsed.key, parsed)
      } catch {
        // A line cut short: the next one must not be glued to it.
      }
    }
    if (text !== '' && !text.endsWith('\n')) appendFileSync(file, '\n')
  }
  return {
    has: (cell) => known.has(keyOf(cell)),
    append(line) {
      const full = { key: keyOf(line.cell), ...line }
      appendFileSync(file, `${JSON.stringify(full)}\n`)
      known.set(full.key, full)
    },
    lines: () => [...known.values()],
  }
}
