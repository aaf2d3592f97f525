// How a model runs: device, workers, threads and batches, and the folder it is opened from.
import { availableParallelism } from 'node:os'
import { assertOptions, mismatch, OodError } from '@ood/core'
import { type Checkpoint, type Device, openCheckpoint, parseDevice } from '@ood/runtime'

/** How a model runs. */
export interface EngineOptions {
  /** Default `cpu`. */
  device?: Device
  /**
   * Worker threads, each with its own session (default: one per core, at most 8; 1 on other devices). They start when
   * first needed and do not keep the process alive. 0 runs in process and blocks the event loop during each batch.
   */
  workers?: number
  /** Threads inside one operator of each session (default 1). */
  threads?: number
  /** Most rows handled together (default 32). Results do not depend on it. */
  batchSize?: number
}

/** The options with their defaults, checked; `more` are those that only `what` takes. */
export function engineSettings(
  what: string,
  options: EngineOptions,
  more: readonly string[] = [],
): Required<EngineOptions> {
  assertOptions(what, options, ['device', 'workers', 'threads', 'batchSize', ...more])
  const device = parseDevice(options.device ?? 'cpu')
  return {
    device,
    workers: count('workers', options.workers ?? (device === 'cpu' ? Math.min(8, availableParallelism()) : 1), 0),
    threads: count('threads', options.threads ?? 1, 1),
    batchSize: count('batchSize', options.batchSize ?? 32, 1),
  }
}

/** Opens a checkpoint folder; one without a manifest is told what it should be. */
export async function openFolder(folder: string, expected: string): Promise<Checkpoint> {
  try {
    return await openCheckpoint(folder)
  } catch (cause) {
    if (!(cause instanceof OodError && cause.code === 'E_FILE' && cause.message.includes('manifest.json'))) throw cause
    throw new OodError('E_FILE', `${folder}: expected ${expected}; ${cause.message}`, { cause })
  }
}

function count(what: string, value: number, least: number): number {
  if (!(Number.isInteger(value) && value >= least))
    throw mismatch('E_ARGUMENT', what, least === 0 ? '0 or a positive integer' : 'a positive integer', value)
  return value
}
