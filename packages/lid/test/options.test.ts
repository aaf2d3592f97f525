// Unknown options are refused by every public function that takes some, and the options of long calls by none of them.
import { type Invertible, type LikelihoodModel, random, tensor } from '@ood/core'
import { gaussianScore } from '@ood/models-diffusion'
import { describe, expect, it } from 'vitest'
import * as lid from '../src/index.ts'

const N = 40
const x = tensor(
  Float64Array.from({ length: N * 3 }, (_, i) => random(4).fork(i).normal()),
  [N, 3],
)
const flow = {} as Invertible
const model = gaussianScore([0, 0, 0], [1, 1, 1])
const likely: LikelihoodModel = { logProb: async () => ({ instance: new Float64Array(N) }) }
const curve = { scales: Float64Array.of(-3, -2, -1, 0, 1), meanLid: Float64Array.of(3, 2.9, 1.1, 1, 0.9), dimension: 3 }
const training = lid.trainingLid(lid.thresholdLid(flow), undefined as never, 3)
const neighbourhood = {} as never
const rule = lid.momRule()
const matrix = tensor(new Float64Array(2 * 3), [2, 3])
const pointwise = { neighbours: 10 }
const quiet = { onWarning: () => {} }

type Call = (options: never) => unknown
const call =
  (run: (options: never) => unknown, needed: object = {}): Call =>
  (options) =>
    run({ ...needed, ...(options as object) } as never)

/** Functions that only settings reach. */
const settings: Record<string, Call> = {
  abidRule: lid.abidRule,
  corrIntRule: lid.corrIntRule,
  dancoRule: lid.dancoRule,
  essRule: lid.essRule,
  fisherRule: lid.fisherRule,
  grideRule: lid.grideRule,
  knnGraphRule: lid.knnGraphRule,
  lpcaRule: lid.lpcaRule,
  mindRule: lid.mindRule,
  mleRule: lid.mleRule,
  tleRule: lid.tleRule,
  twoNnRule: lid.twoNnRule,
  essDimension: (options) => lid.essDimension(0.5, options),
  essReference: (options) => lid.essReference(3, options),
  grideDimension: (options) => lid.grideDimension([2, 3], options),
  lpcaDimension: (options) => lid.lpcaDimension([2, 1], options),
  mindDimension: call((options) => lid.mindDimension([0.5], options), { maxDimension: 3 }),
  mleDimension: (options) => lid.mleDimension([1, 2], options),
  twoNnDimension: (options) => lid.twoNnDimension([2, 3], options),
  lpcaGlobal: (options) => lid.lpcaGlobal(x, options),
  fisherProfile: (options) => lid.fisherProfile(neighbourhood, options),
  fisherPoints: (options) => lid.fisherPoints(x, options),
  fisherSGlobal: (options) => lid.fisherSGlobal(x, options),
  kneeScale: (options) => lid.kneeScale(curve, options),
  diffusionKneeScale: (options) => lid.diffusionKneeScale(curve, options),
  plateauScale: (options) => lid.plateauScale(curve, options),
  bisectScale: (options) => lid.bisectScale((scale) => -scale, 0, options),
  couplingScale: (options) => lid.couplingScale(training, options),
  scalingRegionScale: (options) => lid.scalingRegionScale(training, options),
  thresholdLid: (options) => lid.thresholdLid(flow, options),
  fastFlowLidl: (options) => lid.fastFlowLidl(flow, options),
  gapDimension: (options) => lid.gapDimension({} as never, options),
  cfdm: (options) => lid.cfdm(x, options),
  flipd: (options) => lid.flipd(model, options),
  normalBundle: (options) => lid.normalBundle(model, options),
  lidlSlopes: (options) => lid.lidlSlopes(matrix, [0.01, 0.1, 0.2], options),
  relativeBias: (options) => lid.relativeBias([1], [1], options),
  concordanceIndex: (options) => lid.concordanceIndex([1], [1], options),
  modelFreeLid: call((options) => lid.modelFreeLid(rule, options), pointwise),
  likelihoodLid: call((options) => lid.likelihoodLid(options)),
}

/** Functions that are handed one object of settings and call options. */
const long: Record<string, Call> = {
  findNeighbours: (options) => lid.findNeighbours(x, 5, options),
  pointwiseDimensions: call((options) => lid.pointwiseDimensions(x, rule, options), pointwise),
  abid: call((options) => lid.abid(x, options), pointwise),
  ess: call((options) => lid.ess(x, options), pointwise),
  fisherS: call((options) => lid.fisherS(x, options), { neighbours: 30 }),
  lpca: call((options) => lid.lpca(x, options), pointwise),
  mada: call((options) => lid.mada(x, options), pointwise),
  mle: call((options) => lid.mle(x, options), pointwise),
  mom: call((options) => lid.mom(x, options), pointwise),
  tle: call((options) => lid.tle(x, options), pointwise),
  corrInt: (options) => lid.corrInt(x, options),
  corrIntScales: call((options) => lid.corrIntScales(x, options), { orders: [5, 10, 20] }),
  danco: (options) => lid.danco(x, options),
  gride: (options) => lid.gride(x, options),
  knnGraph: (options) => lid.knnGraph(x, options),
  mindMl: (options) => lid.mindMl(x, options),
  pooledMle: (options) => lid.pooledMle(x, options),
  twoNn: (options) => lid.twoNn(x, options),
  fpRegress: call((options) => lid.fpRegress(model, x, options), { deltas: [0.01, 0.02] }),
  scoreNorm: (options) => lid.scoreNorm(model, x, options),
  lidlEnsemble: (options) =>
    lid.lidlEnsemble(
      [
        { model: likely, delta: 0.1 },
        { model: likely, delta: 0.2 },
      ],
      x,
      options,
    ),
  'flipd at': (options) => lid.flipd(model, quiet).at(x, { t: 0.1 }, options),
  'flipd prepare': (options) => lid.flipd(model, { ...quiet, scales: [-2, -1] }).prepare(x, options),
  'flipd lidAt': (options) => lid.flipd(model, quiet).lidAt(x, -1, options),
  'normalBundle prepare': (options) => lid.normalBundle(model, { level: { t: 0.1 }, scores: 4 }).prepare(x, options),
}

describe('options', () => {
  it.each(Object.entries({ ...settings, ...long }))('%s refuses one it does not know', async (_, run) => {
    await expect((async () => run({ colour: 1 } as never))()).rejects.toMatchObject({
      code: 'E_ARGUMENT',
      message: expect.stringMatching(/: expected options .*, got colour$/),
    })
  })

  it.each(Object.entries(long))('%s takes those of every long call', async (_, run) => {
    const rows = Array.from({ length: N }, (_, i) => 2 * i)
    const common = { seed: 1, rows, signal: new AbortController().signal, batchSize: 8, onProgress: () => {} }
    await (async () => run(common as never))()
  })

  it('flowLidArtifact refuses one it does not know', async () => {
    await expect(lid.flowLidArtifact(flow, x, { colour: 1 } as never)).rejects.toThrow('got colour')
  })

  it.each([
    ['ess', () => lid.ess(x, { neighbours: 10, maxSimplexes: 5 } as never), 'got maxSimplexes (maxSimplices?)'],
    ['lpca', () => lid.lpca(x, { neighbours: 10, alphaFo: 0.1 } as never), 'got alphaFo (alphaFO?)'],
    ['danco', () => lid.danco(x, { fractals: true } as never), 'got fractals (fractal?)'],
    ['twoNn', () => lid.twoNn(x, { discart: 0.1 } as never), 'got discart (discard?)'],
  ])('%s names the option that was meant', async (_, run, message) => {
    await expect((async () => run())()).rejects.toThrow(message)
  })
})
