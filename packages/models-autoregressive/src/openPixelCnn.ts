// Opens a PixelCNN++ checkpoint: log-probabilities per pixel and samples of a model given as an ONNX graph.
import { availableParallelism } from 'node:os'
import { mismatch, OodError } from '@ood/core'
import { type Checkpoint, type Device, openCheckpoint, parseDevice } from '@ood/runtime'
import { createDensity } from './internal/density.ts'
import { startEngine } from './internal/engine.ts'
import { pixelCnnFacts } from './internal/facts.ts'
import { createSampler } from './internal/sampler.ts'
import type { PixelCnn } from './pixelCnn.ts'

/** How a model runs. */
export interface PixelCnnOptions {
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

const FOLDER =
  'a PixelCNN++ folder: manifest.json of kind autoregressive and a graph params: x [N, C, H, W] -> logits, locations, scales'

/**
 * Opens a PixelCNN++ from its checkpoint folder, or from an opened checkpoint.
 *
 * The folder holds `manifest.json` with a `mixture`, and one float32 graph with a free batch axis: `x` [N, C, H, W] in
 * [-1, 1] (and `condition` [N, ...]) to `logits` [N, M, H, W], `locations` and `scales` [N, M, C, H, W], and
 * `coefficients` [N, M, C (C - 1) / 2, H, W] for several channels.
 *
 * @param source - folder, or the result of `openCheckpoint`
 * @throws OodError `E_FILE`, `E_MANIFEST`, `E_CHECKSUM` saying what the folder lacks; `E_ARGUMENT`, `E_UNKNOWN_NAME`
 * @example
 * const model = await openPixelCnn(checkpointPath('pixelcnn-fmnist'))
 * const { instance, feature } = await model.logProb(images) // [N] and [N, 28, 28], nats
 * await model.release()
 */
export async function openPixelCnn(source: string | Checkpoint, options: PixelCnnOptions = {}): Promise<PixelCnn> {
  const device = parseDevice(options.device ?? 'cpu')
  const workers = count('workers', options.workers ?? (device === 'cpu' ? Math.min(8, availableParallelism()) : 1), 0)
  const threads = count('threads', options.threads ?? 1, 1)
  const batchSize = count('batchSize', options.batchSize ?? 32, 1)
  const checkpoint = typeof source === 'string' ? await openFolder(source, FOLDER) : source
  const { manifest, folder } = checkpoint
  const facts = pixelCnnFacts(manifest, folder)
  const graph = await checkpoint.graph('params')
  const engine = startEngine({ name: manifest.name, graph, device, threads, facts }, workers)
  const parts = { engine, facts, batchSize, lanes: Math.max(1, workers) }
  const { dataShape, mixture, conditionShape } = facts
  return {
    manifest,
    dataShape,
    low: mixture.low,
    high: mixture.high,
    components: mixture.components,
    channelDependence: mixture.channelDependence,
    ...(conditionShape ? { conditionShape } : {}),
    ...createDensity(parts),
    ...createSampler(parts),
    release: () => engine.release(),
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

/** Checks a count given by the caller. */
export function count(what: string, value: number, least: number): number {
  if (!(Number.isInteger(value) && value >= least))
    throw mismatch('E_ARGUMENT', what, least === 0 ? '0 or a positive integer' : 'a positive integer', value)
  return value
}
