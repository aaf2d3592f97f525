// Finished rows of a benchmark that was stopped: a JSON line each beside the results, taken up by the next run.
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Result } from './types.ts'

/** What must be the same for rows of an earlier run to count: everything that changes their numbers. */
export interface RunHead {
  runs: number
  quick: boolean
  cpu: string
  node: string
  /** Versions of the peer's libraries; null without one. */
  versions: Readonly<Record<string, string>> | null
}

/** A finished row, when it was measured, and the load average then. */
export interface KeptRow {
  date: string
  load: number
  result: Result
}

/** Rows of the run in `file`. */
export interface Kept {
  /** Rows that an earlier, stopped run left. */
  readonly earlier: ReadonlyMap<string, KeptRow>
  append(row: KeptRow): void
  /** Called when the results are written: there is nothing to go on with. */
  remove(): void
}

/** Opens or begins `file`. Rows of another kind of run, and a last line cut by a kill, are dropped. */
export function openKept(file: string, head: RunHead): Kept {
  const earlier = new Map<string, KeptRow>()
  const [first, ...lines] = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
  if (first === JSON.stringify(head)) {
    for (const line of lines) {
      const row = JSON.parse(line) as KeptRow
      earlier.set(row.result.name, row)
    }
  }
  const kept = [head, ...earlier.values()]
  writeFileSync(file, kept.map((line) => `${JSON.stringify(line)}\n`).join(''))
  return {
    earlier,
    append: (row) => appendFileSync(file, `${JSON.stringify(row)}\n`),
    remove: () => rmSync(file, { force: true }),
  }
}
