// Opens whatever a checkpoint's manifest describes, and says which role it plays in a method.
import { OodError, unknownName } from '@ood/core'
import type { PixelCnn, SequenceModel } from '@ood/models-autoregressive'
import type { Classifier, ClassifierOptions } from '@ood/models-classifier'
import type { Diffusion } from '@ood/models-diffusion'
import type { Flow } from '@ood/models-flow'
import { type Device, type Manifest, openCheckpoint } from '@ood/runtime'

/** What a model is to a method. */
export type Role =
  | 'flow'
  | 'flowBackground'
  | 'featureFlow'
  | 'classifier'
  | 'autoregressive'
  | 'autoregressiveBackground'
  | 'diffusion'
  | 'sequence'
  | 'sequenceBackground'

/** An opened model with its role. */
export type OpenedModel = {
  readonly manifest: Manifest
  readonly folder: string
  /** Stops the workers and frees the engine. */
  release(): Promise<void>
} & (
  | { readonly role: 'flow' | 'flowBackground' | 'featureFlow'; readonly model: Flow }
  | { readonly role: 'classifier'; readonly model: Classifier }
  | { readonly role: 'autoregressive' | 'autoregressiveBackground'; readonly model: PixelCnn }
  | { readonly role: 'diffusion'; readonly model: Diffusion }
  | { readonly role: 'sequence' | 'sequenceBackground'; readonly model: SequenceModel }
)

/** How it runs. */
export interface OpenModelOptions {
  device?: Device | undefined
  workers?: number | undefined
  /** How a classifier is read, for .onnx files without a manifest. */
  classifier?: Omit<ClassifierOptions, 'device' | 'workers'> | undefined
}

/**
 * Opens the model in a checkpoint folder, whatever its kind: a flow, a diffusion model, a PixelCNN++, a sequence model or a
 * classifier. Its role is its kind, with `Background` where the manifest's `role` says so; a flow on the features of a
 * classifier (`role: 'features'`, or trained on a data set `features:...`) is a `featureFlow`. An `.onnx` file is opened as
 * a classifier.
 *
 * @param folder - holds `manifest.json`; or an `.onnx` file
 * @throws OodError `E_FILE`, `E_MANIFEST`, `E_CHECKSUM`; `E_UNSUPPORTED` for a kind without likelihood methods
 * @example
 * const { role, model, release } = await openModel(checkpointPath('pixelcnn-fmnist'))
 */
export async function openModel(folder: string, options: OpenModelOptions = {}): Promise<OpenedModel> {
  const { device, workers } = options
  const rest = { device, workers }
  if (/\.onnx$/i.test(folder)) {
    const { openClassifier } = await import('@ood/models-classifier')
    const model = await openClassifier(folder, { ...rest, ...options.classifier })
    return { role: 'classifier', model, manifest: model.manifest, folder, release: () => model.release() }
  }
  const checkpoint = await openCheckpoint(folder)
  const { manifest } = checkpoint
  const background = (manifest as { role?: unknown }).role === 'background'
  const opened = <R extends Role, M extends { release(): Promise<void> }>(role: R, model: M) => ({
    role,
    model,
    manifest,
    folder,
    release: () => model.release(),
  })
  switch (manifest.kind) {
    case 'flow': {
      const { openFlow } = await import('@ood/models-flow')
      const role = onFeatures(manifest) ? 'featureFlow' : background ? 'flowBackground' : 'flow'
      return opened(role, await openFlow(checkpoint, rest))
    }
    case 'diffusion': {
      const { openDiffusion } = await import('@ood/models-diffusion')
      return opened('diffusion', await openDiffusion(checkpoint, rest))
    }
    case 'autoregressive': {
      const { openPixelCnn } = await import('@ood/models-autoregressive')
      return opened(background ? 'autoregressiveBackground' : 'autoregressive', await openPixelCnn(checkpoint, rest))
    }
    case 'sequence': {
      const { openSequenceModel } = await import('@ood/models-autoregressive')
      return opened(background ? 'sequenceBackground' : 'sequence', await openSequenceModel(checkpoint, rest))
    }
    case 'classifier': {
      const { openClassifier } = await import('@ood/models-classifier')
      return opened('classifier', await openClassifier(checkpoint, { ...rest, ...options.classifier }))
    }
    default:
      throw new OodError(
        'E_UNSUPPORTED',
        `${folder}: expected a flow, diffusion, autoregressive, sequence or classifier model, got kind ${manifest.kind}`,
      )
  }
}

/** Whether a flow is one of a classifier's features. */
function onFeatures({ role, data }: Manifest): boolean {
  return role === 'features' || data.dataset.startsWith('features:')
}

/** Opened models by role. */
export type Models = Partial<{
  flow: Flow
  flowBackground: Flow
  featureFlow: Flow
  classifier: Classifier
  autoregressive: PixelCnn
  autoregressiveBackground: PixelCnn
  diffusion: Diffusion
  sequence: SequenceModel
  sequenceBackground: SequenceModel
}>

/**
 * Models by role. Two models of one role are an error: nothing says which one a method means.
 *
 * @throws OodError `E_ARGUMENT` naming the two, or models of data of different shapes
 */
export function byRole(opened: readonly OpenedModel[]): Models {
  const models: Record<string, unknown> = {}
  const names: Record<string, string> = {}
  let shape: string | undefined
  for (const { role, model, manifest } of opened) {
    if (names[role]) throw unknownName(`second model of role ${role} (besides ${names[role]})`, manifest.name, ['none'])
    const here = manifest.data.shape.join()
    // Rows of a flow on features are no rows of data.
    if (role !== 'featureFlow') shape ??= here
    if (role !== 'featureFlow' && here !== shape)
      throw new OodError('E_ARGUMENT', `models: expected data of shape [${shape}], got [${here}] of ${manifest.name}`)
    models[role] = model
    names[role] = manifest.name
  }
  return models as Models
}
