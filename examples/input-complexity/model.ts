// The likelihood models of both directions, opened by what their manifests say they are.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { NdArray } from '@ood/core'
import { openPixelCnn } from '@ood/models-autoregressive'
import { openFlow } from '@ood/models-flow'
import { openCheckpoint } from '@ood/runtime'
import { checkpointPath, listCheckpoints } from '@ood/zoo'

/** log p of discrete images, whatever computes it. */
export interface Scorer {
  /** What the report calls it. */
  title: string
  /** Changes when the model does. */
  key: unknown
  /** log p in nats, in units of one grey level; the noise of a flow depends on the seed and the image's key only. */
  logProb(x: NdArray, options: { seed: number; rows: ArrayLike<number>; signal?: AbortSignal }): Promise<Float64Array>
  release(): Promise<void>
}

/** The folder of a checkpoint, in `folder` or among the shipped ones; undefined where there is none. */
export function findCheckpoint(name: string, folder: string | undefined): string | undefined {
  if (folder === undefined) return listCheckpoints().includes(name) ? checkpointPath(name) : undefined
  return existsSync(join(folder, name, 'manifest.json')) ? join(folder, name) : undefined
}

/** Opens a flow or a PixelCNN++. Whoever opens releases. */
export async function openScorer(folder: string, workers: number | undefined): Promise<Scorer> {
  const { manifest } = await openCheckpoint(folder)
  const options = workers === undefined ? {} : { workers }
  const { sha256: key } = manifest
  if (manifest.kind === 'autoregressive') {
    const model = await openPixelCnn(folder, options)
    return {
      title: 'PixelCNN++',
      key,
      logProb: async (x, { signal }) => (await model.logProb(x, { signal })).instance,
      release: () => model.release(),
    }
  }
  const flow = await openFlow(folder, options)
  return {
    title: 'flow',
    key,
    // Pixel space is the default: densities in units of one grey level, log-determinants of the preprocessing included.
    logProb: async (x, call) => (await flow.logProb(x, call)).instance,
    release: () => flow.release(),
  }
}
