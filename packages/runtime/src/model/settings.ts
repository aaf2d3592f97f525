// How a model runs: device, workers and batches, with their defaults.
import { availableParallelism } from 'node:os'
import { assertCount, assertOptions } from '@ood/core'
import { type Device, parseDevice } from '../device.ts'

/** How a model runs. */
export interface ModelOptions {
  /** Default `cpu`. */
  device?: Device | undefined
  /**
   * Worker threads, each with its own sessions (default: one per core, at most 8; 1 on other devices). They start when
   * first needed and do not keep the process alive. 0 runs in process and blocks the event loop during each batch.
   */
  workers?: number | undefined
  /** Most rows handled together (default: 64 for flows, 32 for other models). Results do not depend on it. */
  batchSize?: number | undefined
}

/** The options with their defaults, checked. */
export interface ModelSettings {
  device: Device
  workers: number
  batchSize: number
}

/**
 * Fills in what was not asked for. `more` are the options that only `what` takes; others are refused.
 *
 * @throws OodError `E_UNKNOWN_NAME` device, `E_ARGUMENT` workers, batch size, or an unknown option
 */
export function modelSettings(
  what: string,
  options: ModelOptions,
  defaults: { batchSize: number },
  more: readonly string[] = [],
): ModelSettings {
  assertOptions(what, options, ['device', 'workers', 'batchSize', ...more])
  const device = parseDevice(options.device ?? 'cpu')
  const { workers = device === 'cpu' ? Math.min(8, availableParallelism()) : 1 } = options
  const { batchSize = defaults.batchSize } = options
  assertCount('workers', workers, 0)
  assertCount('batchSize', batchSize)
  return { device, workers, batchSize }
}
