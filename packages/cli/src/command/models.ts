// Opens the models that a command names and hands them to its work; releases them whatever happens.
import { OodError } from '@ood/core'
import type { Models, OpenedModel, OpenModelOptions } from '@ood/methods'
import { checkpointFolder } from './model.ts'

/** How the models are opened. */
export interface ModelsOptions {
  /** Checkpoint folders or shipped names. */
  models: readonly string[]
  device?: string | undefined
  workers?: number | undefined
  /** How an .onnx classifier is read. */
  classifier?: OpenModelOptions['classifier']
}

/** What the work gets. */
interface OpenedModels {
  models: Models
  opened: readonly OpenedModel[]
  /** Shape of one row: [C, H, W] of images, [T] of sequences. */
  shape: readonly number[]
  /** Rows may have another length than `shape` says, as long as all have the same: sequence models whose T is free. */
  anyLength: boolean
}

/**
 * Opens every model, checks that they go together, does `work`.
 *
 * @throws OodError `E_FILE`, `E_UNKNOWN_NAME`, `E_ARGUMENT` for models of different shapes or two of one role
 */
export async function withModels<T>(options: ModelsOptions, work: (parts: OpenedModels) => Promise<T>): Promise<T> {
  const { byRole, openModel } = await import('@ood/methods')
  const { parseDevice } = await import('@ood/runtime')
  const { device, workers } = options
  if (options.models.length === 0) throw new OodError('E_ARGUMENT', '--model: expected at least one, got none')
  const opened: OpenedModel[] = []
  try {
    for (const name of options.models)
      opened.push(
        await openModel(await checkpointFolder(name), {
          device: device === undefined ? undefined : parseDevice(device),
          workers,
          classifier: options.classifier,
        }),
      )
    // Rows of a flow on features are made by the classifier, where there is one.
    const { manifest } = opened.find(({ role }) => role !== 'featureFlow') ?? opened[0]!
    const { shape } = manifest.data
    return await work({ models: byRole(opened), opened, shape, anyLength: opened.every(takesAnyLength) })
  } finally {
    for (const { release } of opened) await release()
  }
}

function takesAnyLength({ manifest }: OpenedModel): boolean {
  return manifest.kind === 'sequence' && typeof manifest.graphs.logits?.inputs.tokens?.[1] !== 'number'
}
