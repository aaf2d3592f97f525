// How a model runs: device, workers, threads and batches.
import { assertCount } from '@ood/core'
import { type ModelOptions, type ModelSettings, modelSettings } from '@ood/runtime'

/** How a model runs. */
export interface EngineOptions extends ModelOptions {
  /** Threads inside one operator of each session (default 1). */
  threads?: number | undefined
}

/** The options with their defaults, checked; `more` are those that only `what` takes. */
export function engineSettings(
  what: string,
  options: EngineOptions,
  more: readonly string[] = [],
): ModelSettings & { threads: number } {
  const settings = modelSettings(what, options, { batchSize: 32 }, ['threads', ...more])
  const { threads = 1 } = options
  assertCount('threads', threads)
  return { ...settings, threads }
}
