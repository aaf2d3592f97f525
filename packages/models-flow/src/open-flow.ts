// Opens a flow checkpoint: likelihoods, latents, samples and derivatives of a normalizing flow given as ONNX graphs.
import { assertCount } from '@ood/core'
import { dataUnits, preprocessing, type TransformSpec } from '@ood/datasets'
import {
  type Checkpoint,
  type ModelOptions,
  modelSettings,
  openModelFolder,
  startEngine,
  taskModule,
} from '@ood/runtime'
import type { Flow } from './flow.ts'
import { createDecoder } from './internal/decoder.ts'
import { createDensity } from './internal/density.ts'
import { openKernels } from './internal/kernels.ts'
import { createLogDensity } from './internal/log-density.ts'
import { createSampler } from './internal/sampler.ts'
import { flowShape } from './internal/shape.ts'

/** How a flow runs. */
export interface FlowOptions extends ModelOptions {
  /**
   * Unit tangents pushed through the decoder together for a Jacobian. Default: all of them in one graph up to D = 1024,
   * which is the fastest and takes memory for D rows of every layer; 49 above. 0 is one graph for any D.
   */
  chunk?: number | undefined
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
  const settings = modelSettings('openFlow', options, { batchSize: 64 }, ['chunk'])
  const checkpoint = await openModelFolder(source, FLOW_FOLDER)
  const { manifest, folder } = checkpoint
  const shape = flowShape(manifest, folder)
  const specs = manifest.preprocessing as unknown as TransformSpec[]
  const transform = preprocessing(specs)
  const units = dataUnits({ preprocessing: specs, valueRange: manifest.data.valueRange, shape: shape.dataShape })
  const [encode, decode] = await Promise.all([checkpoint.graph('encode'), checkpoint.graph('decode')])
  const { modelShape, dimension } = shape
  const { chunk = dimension <= 1024 ? 0 : 49 } = options
  assertCount('chunk', chunk, 0)
  const engine = startEngine({
    setup: { name: manifest.name, encode, decode, device: settings.device, modelShape, dimension, chunk },
    settings,
    open: openKernels,
    tasks: taskModule('./internal/tasks.ts', import.meta.url),
  })
  const decoder = createDecoder({ engine, shape })
  const likelihood = createDensity({ engine, shape, transform, units })
  return {
    manifest,
    dataShape: shape.dataShape,
    modelShape,
    dimension,
    decoder,
    density: createLogDensity({ engine, shape, logProb: likelihood.logProb }),
    ...likelihood,
    ...createSampler({ shape, transform, decoder }),
    release: () => engine.release(),
  }
}
