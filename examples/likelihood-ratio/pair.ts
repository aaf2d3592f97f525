// A pair of likelihood models, semantic and background, opened by what their manifests say they are.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type CallOptions, type LikelihoodModel, mismatch, type NdArray } from '@ood/core'
import { openPixelCnn } from '@ood/models-autoregressive'
import { openFlow } from '@ood/models-flow'
import { type Manifest, openCheckpoint } from '@ood/runtime'
import { checkpointPath, listCheckpoints } from '@ood/zoo'

/** A likelihood model that came from a checkpoint. */
export interface PairModel extends LikelihoodModel {
  readonly manifest: Manifest
  sample(n: number, options?: CallOptions): Promise<NdArray>
  release(): Promise<void>
}

/** Two models of the same data set. */
export interface Pair {
  semantic: PairModel
  background: PairModel
}

/** Names of a pair's checkpoints: `<name>` and `<name>-background`. */
export function pairNames(name: string): [semantic: string, background: string] {
  return [name, `${name}-background`]
}

/** Which checkpoint of the pair is not there, in `folder` or among the shipped ones; undefined when both are. */
export function missingOf(name: string, folder: string | undefined): string | undefined {
  const shipped = folder === undefined ? listCheckpoints() : []
  return pairNames(name).find((each) =>
    folder === undefined ? !shipped.includes(each) : !existsSync(join(folder, each, 'manifest.json')),
  )
}

/** Opens both models. Whoever opens releases. */
export async function openPair(
  name: string,
  folder: string | undefined,
  workers: number | undefined,
): Promise<Pair & { release(): Promise<void> }> {
  const [first, second] = pairNames(name).map((each) =>
    folder === undefined ? checkpointPath(each) : join(folder, each),
  )
  const semantic = await openModel(first!, workers)
  try {
    const background = await openModel(second!, workers)
    if (semantic.manifest.data.shape.join() !== background.manifest.data.shape.join())
      throw mismatch(
        'E_MANIFEST',
        `${second} data.shape`,
        `[${semantic.manifest.data.shape}]`,
        background.manifest.data.shape,
      )
    return {
      semantic,
      background,
      release: async () => {
        await Promise.all([semantic.release(), background.release()])
      },
    }
  } catch (error) {
    await semantic.release()
    throw error
  }
}

async function openModel(folder: string, workers: number | undefined): Promise<PairModel> {
  const checkpoint = await openCheckpoint(folder)
  const { kind } = checkpoint.manifest
  const options = workers === undefined ? {} : { workers }
  if (kind === 'autoregressive') return await openPixelCnn(checkpoint, options)
  if (kind === 'flow') return await openFlow(checkpoint, options)
  throw mismatch('E_MANIFEST', `${folder} kind`, 'autoregressive or flow', kind)
}
