// Long calls: the options they all take, progress events, abort, and the loop over batches that honours them.
import { mismatch, OodError } from './errors.ts'

/** One progress event, fired after every batch. */
export interface Progress {
  done: number
  total: number
  label: string
}

/** What every long call accepts. */
export interface CallOptions {
  /** Rows handled together. */
  batchSize?: number | undefined
  /** Seed of every random draw of the call (default 0). */
  seed?: number | undefined
  /**
   * A key for each row (default 0..N-1): everything random about a row depends on `seed` and its key, so a row keeps its
   * noise in any batch, order or resumed run. Calls without random draws ignore it.
   */
  rows?: ArrayLike<number> | undefined
  /** Aborts between batches with `E_ABORTED`. */
  signal?: AbortSignal | undefined
  /** Called after every batch. */
  onProgress?: ((progress: Progress) => void) | undefined
}

/** Throws `E_ABORTED` when the caller's signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new OodError('E_ABORTED', `${what}: stopped by the caller`, { cause: signal.reason })
}

/**
 * Calls `run(from, to)` for consecutive row ranges of at most `batchSize`, reporting progress and honouring abort.
 *
 * @example
 * await forEachBatch('logProb', rowCount(x), 64, options, async (from, to) => { ... })
 */
export async function forEachBatch(
  label: string,
  total: number,
  defaultBatchSize: number,
  options: CallOptions | undefined,
  run: (from: number, to: number) => Promise<void> | void,
): Promise<void> {
  const batchSize = options?.batchSize ?? defaultBatchSize
  if (!(Number.isInteger(batchSize) && batchSize > 0))
    throw mismatch('E_ARGUMENT', `${label} batchSize`, 'a positive integer', batchSize)
  for (let from = 0; from < total; from += batchSize) {
    throwIfAborted(options?.signal, label)
    const to = Math.min(total, from + batchSize)
    await run(from, to)
    options?.onProgress?.({ done: to, total, label })
  }
}
