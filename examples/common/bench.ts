// What an example measures with: columns stored batch by batch in its run folder, each measured once and timed.
import type { NdArray, Progress } from '@ood/core'
import type { Columns, Needs } from '@ood/detect'
import { createMeasurer, type Measurer } from '@ood/methods'
import type { Run } from '@ood/run'

/** An example's run: where it stores, and how it reports and stops. */
export interface Bench {
  run: Run<unknown>
  seed: number
  signal: AbortSignal
  onProgress: (progress: Progress) => void
  /**
   * Columns `prefix.name` of the rows `x` of a set, or what an earlier start of the run has stored. Row i depends on the
   * seed and i alone, so a run that was killed ends with the same numbers.
   *
   * @param set - a name of the rows, unique in the run
   * @param batch - rows between two stores (default 8); a kill loses at most this many
   */
  columns(needs: Needs, set: string, x: NdArray, batch?: number): Promise<Columns>
  /** Seconds a row of every measurement of `needs`, those of an earlier start included. */
  seconds(needs: Needs): number
}

/** Opens the bench of a run. */
export function createBench(of: Pick<Bench, 'run' | 'seed' | 'signal' | 'onProgress'>): Bench {
  const { run, seed, signal, onProgress } = of
  const measurers = new Map<number, Measurer>()
  const measurer = (batchSize: number): Measurer => {
    const known = measurers.get(batchSize) ?? createMeasurer({ store: run, batchSize, seed, signal, onProgress })
    measurers.set(batchSize, known)
    return known
  }
  return {
    ...of,
    columns: (needs, set, x, batch = 8) => measurer(batch).measure(needs, set, x),
    seconds: (needs) => [...measurers.values()].reduce((sum, each) => sum + each.seconds(needs), 0),
  }
}
