// Opens a PixelCNN++ checkpoint: log-probabilities per pixel and samples of a model given as an ONNX graph.
import { type Checkpoint, openModelFolder, startEngine, taskModule } from '@ood/runtime'
import { type EngineOptions, engineSettings } from './engine-options.ts'
import { createDensity } from './internal/density.ts'
import { pixelCnnFacts } from './internal/facts.ts'
import { openKernels } from './internal/kernels.ts'
import { createSampler } from './internal/sampler.ts'
import type { PixelCnn } from './pixel-cnn.ts'

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
export async function openPixelCnn(source: string | Checkpoint, options: EngineOptions = {}): Promise<PixelCnn> {
  const settings = engineSettings('openPixelCnn', options)
  const checkpoint = await openModelFolder(source, FOLDER)
  const { manifest, folder } = checkpoint
  const facts = pixelCnnFacts(manifest, folder)
  const graph = await checkpoint.graph('params')
  const engine = startEngine({
    setup: { name: manifest.name, graph, device: settings.device, threads: settings.threads, facts },
    settings,
    open: openKernels,
    tasks: taskModule('./internal/tasks.ts', import.meta.url),
  })
  const parts = { engine, facts }
  const { dataShape, mixture, conditionShape } = facts
  return {
    manifest,
    dataShape,
    low: mixture.low,
    high: mixture.high,
    components: mixture.components,
    channelDependence: mixture.channelDependence,
    conditionShape,
    ...createDensity(parts),
    ...createSampler(parts),
    release: () => engine.release(),
  }
}
