// Opens a flow checkpoint: likelihoods, latents, samples and derivatives of a normalizing flow given as ONNX graphs.
import { availableParallelism } from 'node:os'
import { assertOptions, mismatch, OodError } from '@ood/core'
import { dataUnits, preprocessing, type TransformSpec } from '@ood/datasets'
import { type Checkpoint, type Device, openCheckpoint, parseDevice } from '@ood/runtime'
import type { Flow } from './flow.ts'
import { createDecoder } from './internal/decoder.ts'
import { createDensity } from './internal/density.ts'
import { startKernels } from './internal/pooled-kernels.ts'
import { createSampler } from './internal/sampler.ts'
import { flowShape } from './internal/shape.ts'

/** How a flow runs. */
export interface FlowOptions {
  /** Default `cpu`. */
  device?: Device
  /**
   * Worker threads, each with its own single-threaded sessions (default: one per core, at most 8; 1 on other devices).
   * They start when first needed and do not keep the process alive. 0 runs in process and blocks the event loop.
   */
  workers?: number
  /** Most rows handled together (default 64). Results do not depend on it. */
  batchSize?: number
  /**
   * Unit tangents pushed through the decoder together for a Jacobian. Default: all of them in one graph up to D = 1024,
   * which is the fastest and takes memory for D rows of every layer; 49 above. 0 is one graph for any D.
   */
  chunk?: number
}

const FLOW_FOLDER =
  'a flow folder: manifest.json (writeManifest makes it), a graph encode: x [N, ...] -> z [N, D], logdet [N] and a graph decode: z -> x'

/**
 * Opens a flow from its checkpoint folder, or from an opened checkpoint.
 *
 * The folder holds `manifest.json` and two ONNX graphs with a free batch axis: `encode` with input `x` and outputs `z`
 * [N, D] and `logdet` [N] = log |det ∂z/∂x|, and `decode` with input `z` and output `x`. The base density is N(0, I).
 * The manifest lists the preprocessing from raw data to `x`, so densities can be reported per pixel.
 *
 * @param source - folder, or the result of `openCheckpoint`
 * @throws OodError `E_FILE`, `E_MANIFEST`, `E_CHECKSUM` saying what the folder lacks; `E_ARGUMENT`, `E_UNKNOWN_NAME`
 * @example
 * const flow = await openFlow(checkpointPath('flow-fmnist'))
 * const { instance } = await flow.logProb(images) // images [N, 1, 28, 28], values 0..255
 * await flow.release()
 */
export async function openFlow(source: string | Checkpoint, options: FlowOptions = {}): Promise<Flow> {
  assertOptions('openFlow', options, ['device', 'workers', 'batchSize', 'chunk'])
  const device = parseDevice(options.device ?? 'cpu')
  const workers = count('workers', options.workers ?? (device === 'cpu' ? Math.min(8, availableParallelism()) : 1), 0)
  const batchSize = count('batchSize', options.batchSize ?? 64, 1)
  const checkpoint = typeof source === 'string' ? await openFolder(source) : source
  const { manifest, folder } = checkpoint
  const shape = flowShape(manifest, folder)
  const specs = manifest.preprocessing as unknown as TransformSpec[]
  const transform = preprocessing(specs)
  const units = dataUnits({ preprocessing: specs, valueRange: manifest.data.valueRange, shape: shape.dataShape })
  const [encode, decode] = await Promise.all([checkpoint.graph('encode'), checkpoint.graph('decode')])
  const { modelShape, dimension } = shape
  const chunk = count('chunk', options.chunk ?? (dimension <= 1024 ? 0 : 49), 0)
  const setup = { name: manifest.name, encode, decode, device, modelShape, dimension, chunk }
  const kernels = startKernels(setup, workers)
  const lanes = Math.max(1, workers)
  const decoder = createDecoder({ kernels, shape, batchSize, lanes })
  return {
    manifest,
    dataShape: shape.dataShape,
    dimension,
    decoder,
    ...createDensity({ kernels, shape, transform, units, batchSize, lanes }),
    ...createSampler({ shape, transform, decoder }),
    release: () => kernels.release(),
  }
}

async function openFolder(folder: string): Promise<Checkpoint> {
  try {
    return await openCheckpoint(folder)
  } catch (cause) {
    if (!(cause instanceof OodError && cause.code === 'E_FILE' && cause.message.includes('manifest.json'))) throw cause
    throw new OodError('E_FILE', `${folder}: expected ${FLOW_FOLDER}; ${cause.message}`, { cause })
  }
}

function count(what: string, value: number, least: number): number {
  if (!(Number.isInteger(value) && value >= least))
    throw mismatch('E_ARGUMENT', what, least === 0 ? '0 or a positive integer' : 'a positive integer', value)
  return value
}
