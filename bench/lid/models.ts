// The model-based estimators of the benchmark: shipped flows and diffusions of manifolds, judged on fresh points of them.
import { type NdArray, OodError, rowSize, type ScoreModel } from '@ood/core'
import { manifold } from '@ood/datasets'
import {
  deltasAround,
  diffusionKneeScale,
  fastFlowLidl,
  flipd,
  fpRegress,
  gapDimension,
  kneeLid,
  kneeScale,
  normalBundle,
  normalBundleGap,
  thresholdLid,
  trainingLid,
} from '@ood/lid'
import { type Diffusion, openDiffusion } from '@ood/models-diffusion'
import { type Flow, openFlow } from '@ood/models-flow'
import { checkpointPath, listCheckpoints } from '@ood/zoo'

/** The published fixed scale of flows, log of a standard deviation. */
const SCALE = -3
/** Training points that scale rules look at. */
const TRAINING = 100

/** A manifold with the checkpoints trained on it. The seed of the geometry is that of training. */
export interface ModelSet {
  name: string
  flow: string
  diffusion: string
  points(split: string, n: number): { points: NdArray; lid: Float64Array }
}

const GEOMETRY = 123

/** Sets that models are shipped for. */
export const MODEL_SETS: readonly ModelSet[] = [
  {
    name: 'lollipop',
    flow: 'flow-lollipop',
    diffusion: 'diffusion-lollipop',
    points: (split, n) => manifold('lollipop', { n, seed: GEOMETRY, split, standardize: true }).all(),
  },
  {
    name: 'affine_10D_2d4d8d_uniform',
    flow: 'flow-mixture-10d',
    diffusion: 'diffusion-mixture-10d',
    points: (split, n) => manifold('affine_10D_2d4d8d_uniform', { n, seed: GEOMETRY, split }).all(),
  },
]

/** An estimator over an opened model. */
export interface ModelEstimator {
  name: string
  settings: string
  kind: 'flow' | 'diffusion'
  run(model: Opened, x: NdArray, train: NdArray, seed: number): Promise<Float64Array>
}

/** What is open for a set. */
export interface Opened {
  flow?: Flow
  diffusion?: Diffusion
}

const flowOf = (model: Opened): Flow => {
  if (!model.flow) throw new OodError('E_FILE', 'bench: expected a flow checkpoint for this set')
  return model.flow
}

const scoreOf = (model: Opened): ScoreModel => {
  if (!model.diffusion) throw new OodError('E_FILE', 'bench: expected a diffusion checkpoint for this set')
  return model.diffusion
}

/** FLIPD at a time fixed before looking. */
const flipdAt = (t: number): ModelEstimator => ({
  name: 'FLIPD',
  settings: `t = ${t}, exact trace`,
  kind: 'diffusion',
  run: async (model, x) => (await flipd(scoreOf(model)).at(x, { t })).lid,
})

/** All of them. */
export const MODEL_ESTIMATORS: readonly ModelEstimator[] = [
  {
    name: 'flow threshold',
    settings: `s = ${SCALE}`,
    kind: 'flow',
    run: async (model, x) => {
      const estimator = thresholdLid(flowOf(model))
      return estimator.lid(await estimator.prepare(x), SCALE)
    },
  },
  {
    name: 'flow threshold, knee',
    settings: `scale from ${TRAINING} training points`,
    kind: 'flow',
    run: async (model, x, train) => {
      const estimator = thresholdLid(flowOf(model))
      const fitted = trainingLid(estimator, await estimator.prepare(train), flowOf(model).dimension)
      return estimator.lid(await estimator.prepare(x), kneeScale(fitted.curve()).scale)
    },
  },
  {
    name: 'flow gap',
    settings: '',
    kind: 'flow',
    run: async (model, x) => gapDimension(await thresholdLid(flowOf(model)).prepare(x)),
  },
  {
    name: 'flow fast LIDL',
    settings: `s = ${SCALE}`,
    kind: 'flow',
    run: async (model, x) => {
      const estimator = fastFlowLidl(flowOf(model))
      return estimator.lid(await estimator.prepare(x), SCALE)
    },
  },
  // 0.05 is the published time for tables.
  flipdAt(0.05),
  flipdAt(0.01),
  {
    name: 'FLIPD, knee of the mean',
    settings: `scale from ${TRAINING} training points`,
    kind: 'diffusion',
    run: async (model, x, train) => {
      const estimator = flipd(scoreOf(model))
      const fitted = trainingLid(estimator, await estimator.prepare(train), rowSize(train))
      const { scale } = diffusionKneeScale(fitted.curve(estimator.scales))
      return estimator.lidAt(x, scale)
    },
  },
  {
    name: 'FLIPD, knee of each point',
    settings: '15 scales',
    kind: 'diffusion',
    run: async (model, x) => kneeLid(await flipd(scoreOf(model)).prepare(x), rowSize(x)).lid,
  },
  {
    name: 'FPRegress',
    settings: 'delta around 0.05, exact trace',
    kind: 'diffusion',
    run: async (model, x) => (await fpRegress(scoreOf(model), x, { deltas: deltasAround(0.05) })).lid,
  },
  {
    name: 'normal bundle, gap',
    settings: 't = 0.01, 4 D scores',
    kind: 'diffusion',
    run: async (model, x, _, seed) =>
      normalBundleGap(await normalBundle(scoreOf(model), { level: { t: 0.01 } }).prepare(x, { seed })),
  },
  {
    name: 'normal bundle, threshold',
    settings: 't = 0.01, 4 D scores, threshold half way (in logs) between noise and unit data',
    kind: 'diffusion',
    run: async (model, x, _, seed) => {
      // sqrt K scores of length 1 / sigma along a normal direction, of length 1 along a tangent one of unit deviation.
      const sigma = scoreOf(model).sde.standardDeviation(0.01)
      const scale = -0.5 * Math.log(Math.sqrt((4 * rowSize(x)) / sigma))
      const estimator = normalBundle(scoreOf(model), { level: { t: 0.01 } })
      return estimator.lid(await estimator.prepare(x, { seed }), scale)
    },
  },
]

/** Opens what is shipped for a set; a checkpoint that is not there leaves its estimators out. */
export async function openModels(set: ModelSet): Promise<{ models: Opened; release(): Promise<void> }> {
  const names = listCheckpoints()
  const options = { workers: 1, batchSize: 256 }
  const flow = names.includes(set.flow) ? await openFlow(checkpointPath(set.flow), options) : undefined
  const diffusion = names.includes(set.diffusion)
    ? await openDiffusion(checkpointPath(set.diffusion), options)
    : undefined
  // Sessions, workers and derivative graphs are made at the first call, which no cell should pay for.
  const two = set.points('warm up', 2).points
  if (flow) await thresholdLid(flow).prepare(two)
  if (diffusion) await flipd(diffusion).at(two, { t: 0.05 })
  return {
    models: { ...(flow && { flow }), ...(diffusion && { diffusion }) },
    release: async () => {
      await flow?.release()
      await diffusion?.release()
    },
  }
}

/** Points that the scale rules of a set may look at: of the training split. */
export function trainingPoints(set: ModelSet): NdArray {
  return set.points('train', TRAINING).points
}
