// Model-based estimators on real images: the shipped flows and score networks of each image set.
import type { NdArray } from '@ood/core'
import { fastFlowLidl, flipd, fpRegress, normalBundle, normalBundleGap, thresholdLid } from '@ood/lid'
import { type Diffusion, openDiffusion } from '@ood/models-diffusion'
import { openFlow } from '@ood/models-flow'
import { checkpointPath } from '@ood/zoo'

/** An estimator of images by a shipped model. */
export interface ImageEstimator {
  name: string
  settings: string
  /** Images at most: one costs up to seconds. */
  most: number
  /** Name of the checkpoint it needs for an image set. */
  checkpoint(set: string): string
  run(set: string, images: NdArray): Promise<ArrayLike<number>>
}

/** The published fixed scale of flows and normal bundles, and the Hutchinson probes of FLIPD on images. */
const SCALE = -3
const PROBES = 8

const checkpoint = (kind: string, set: string): string => `${kind}-${set === 'fashion-mnist' ? 'fmnist' : set}`

function flowEstimator(name: string, make: typeof thresholdLid | typeof fastFlowLidl): ImageEstimator {
  return {
    name,
    settings: `s = ${SCALE}`,
    most: 32,
    checkpoint: (set) => checkpoint('flow', set),
    async run(set, images) {
      const flow = await openFlow(checkpointPath(checkpoint('flow', set)), { workers: 1 })
      try {
        const estimator = make(flow)
        return estimator.lid(await estimator.prepare(images, { seed: 1 }), SCALE)
      } finally {
        await flow.release()
      }
    },
  }
}

function diffusionEstimator(
  name: string,
  settings: string,
  most: number,
  lid: (model: Diffusion, x: NdArray) => Promise<ArrayLike<number>>,
): ImageEstimator {
  return {
    name,
    settings,
    most,
    checkpoint: (set) => checkpoint('diffusion', set),
    async run(set, images) {
      const model = await openDiffusion(checkpointPath(checkpoint('diffusion', set)), { workers: 1 })
      try {
        return await lid(model, await model.preprocess(images, { seed: 1 }))
      } finally {
        await model.release()
      }
    },
  }
}

const trace = { method: 'rademacher', probes: PROBES, seed: 1 } as const
const flipdAt = (t: number): ImageEstimator =>
  diffusionEstimator('FLIPD', `t = ${t}, ${PROBES} probes`, 32, async (model, x) => {
    return (await flipd(model, trace).at(x, { t }, { seed: 1 })).lid
  })

/** All of them. */
export const IMAGE_ESTIMATORS: readonly ImageEstimator[] = [
  flowEstimator('flow threshold', thresholdLid),
  flowEstimator('flow fast LIDL', fastFlowLidl),
  flipdAt(0.05),
  flipdAt(0.1),
  flipdAt(0.3),
  diffusionEstimator('FPRegress', `8 deltas 0.01 to 0.1, ${PROBES} probes`, 16, async (model, x) => {
    return (await fpRegress(model, x, trace)).lid
  }),
  diffusionEstimator('normal bundle, gap', 't = 0.01, 3136 scores', 4, async (model, x) =>
    normalBundleGap(await normalBundle(model, { level: { t: 0.01 } }).prepare(x, { seed: 1 })),
  ),
]
