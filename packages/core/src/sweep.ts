// Runs batches of rows several at a time, with progress, abort and a check for rows gone wrong.
import { mismatch } from './errors.ts'
import { type CallOptions, throwIfAborted } from './progress.ts'

/** What limits one sweep over rows. */
export interface Sweep {
  label: string
  total: number
  batchSize: number
  /** Batches in flight together. */
  lanes: number
}

/**
 * Calls `run(from, to)` for consecutive row ranges, `lanes` at a time. Progress counts finished rows. After a failure or
 * an abort no new batch starts; the first error is thrown when the running ones have ended.
 *
 * @throws OodError `E_ARGUMENT` for a batch size that is no positive integer, `E_ABORTED`; what `run` throws
 * @example
 * await sweep({ label: 'score', total: 100, batchSize: 32, lanes: 2 }, options, (from, to) => scoreRows(from, to))
 */
export async function sweep(
  { label, total, batchSize, lanes }: Sweep,
  options: CallOptions | undefined,
  run: (from: number, to: number) => Promise<void>,
): Promise<void> {
  if (!(Number.isInteger(batchSize) && batchSize > 0))
    throw mismatch('E_ARGUMENT', `${label} batchSize`, 'a positive integer', batchSize)
  let next = 0
  let done = 0
  let failed = false
  async function lane(): Promise<void> {
    while (next < total && !failed) {
      throwIfAborted(options?.signal, label)
      const from = next
      const to = Math.min(total, from + batchSize)
      next = to
      try {
        await run(from, to)
      } catch (cause) {
        failed = true
        throw cause
      }
      done += to - from
      options?.onProgress?.({ done, total, label })
    }
  }
  const results = await Promise.allSettled(Array.from({ length: Math.max(1, lanes) }, lane))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

/** Throws `E_NOT_FINITE` naming the first row of a block (first row `from` of the whole) that holds NaN or infinity. */
export function assertFiniteRows(what: string, data: ArrayLike<number>, rows: number, from: number): void {
  const size = data.length / Math.max(1, rows)
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i]!)) {
      const row = from + Math.floor(i / size)
      throw mismatch('E_NOT_FINITE', what, 'finite numbers', `${data[i]} in row ${row} at position ${i % size}`)
    }
  }
}
