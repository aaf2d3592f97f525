// The model-free estimators of the benchmark, each with the settings of its paper or of common use.
import { flatData, rowCount, rowSize, sliceRows, tensor } from '@ood/core'
import {
  abidRule,
  cfdm,
  corrInt,
  type DimensionRule,
  danco,
  essRule,
  fisherRule,
  fisherSGlobal,
  gride,
  knnGraph,
  lpcaRule,
  madaRule,
  mindMl,
  mleRule,
  momRule,
  type PointwiseDimensions,
  pointwiseDimensions,
  tleRule,
  twoNn,
  twoNnRule,
} from '@ood/lid'
import { nearestNeighbours } from '@ood/linalg'
import type { Estimator, Task } from './types.ts'

/** Neighbours of estimators that need a distance law, and of those that need a covariance. */
const FEW = 20
const MANY = 100
/** DANCo compares with simulated balls of every dimension up to here; above, the simulation is most of the run. */
const DANCO_MOST = 32

async function pointwise({ x, queries, seed }: Task, rule: DimensionRule, k: number): Promise<Float64Array> {
  const rows = Int32Array.from({ length: queries }, (_, i) => i)
  const found: PointwiseDimensions = await pointwiseDimensions(x, rule, { neighbours: k, queries: rows, seed })
  return found.lid
}

const local = (name: string, settings: string, rule: DimensionRule, k: number): Estimator => ({
  name,
  settings: `${settings === '' ? '' : `${settings}, `}k = ${k}`,
  run: (task) => pointwise(task, rule, k),
})

/**
 * Closed-form diffusion at one scale for all points, chosen without the truth: the noise whose typical length in d
 * dimensions, e^s sqrt d, is the median distance R50 to the 50th neighbour, with d = log 5 / log(R50 / R10) the growth
 * of the neighbour count between the medians of the 10th and the 50th. A point counts itself, one among about 50.
 */
async function closedForm({ x, queries }: Task): Promise<Float64Array> {
  const at = sliceRows(x, 0, queries)
  const { distances } = nearestNeighbours(x, at, 51) // the point itself and 50 others
  const median = (k: number): number =>
    Float64Array.from({ length: queries }, (_, i) => distances[i * 51 + k]!).sort()[queries >> 1]!
  const d = Math.log(5) / Math.log(median(50) / median(10))
  const scale = Math.log(median(50)) - 0.5 * Math.log(Math.max(1, d))
  const estimator = cfdm(x)
  return estimator.lid(await estimator.prepare(at), scale)
}

/** A dimension of the whole set, taken for every point. */
const whole = (name: string, settings: string, run: (task: Task) => Promise<number> | number): Estimator => ({
  name: `${name} (set)`,
  settings,
  run: async (task) => [await run(task)],
})

/** All model-free estimators. */
export const MODEL_FREE: readonly Estimator[] = [
  local('lPCA FO', 'alpha 0.05', lpcaRule({ version: 'FO', alphaFO: 0.05 }), MANY),
  local('lPCA Fan', '', lpcaRule({ version: 'Fan' }), MANY),
  local('lPCA maxgap', '', lpcaRule({ version: 'maxgap' }), MANY),
  local('lPCA ratio', '0.95', lpcaRule({ version: 'ratio', alphaRatio: 0.95 }), MANY),
  local('lPCA participation', '', lpcaRule({ version: 'participation_ratio' }), MANY),
  local('lPCA Kaiser', '', lpcaRule({ version: 'Kaiser' }), MANY),
  local('lPCA broken stick', '', lpcaRule({ version: 'broken_stick' }), MANY),
  local('lPCA Minka', '', lpcaRule({ version: 'Minka' }), MANY),
  local('MLE', '', mleRule({}), FEW),
  local('MOM', '', momRule(), MANY),
  local('MADA', '', madaRule(), FEW),
  local('TLE', '', tleRule(), FEW),
  local('ABID', '', abidRule(), MANY),
  local('ESS a', '', essRule({ version: 'a' }), MANY),
  local('ESS b', '', essRule({ version: 'b' }), MANY),
  local('FisherS', '', fisherRule(), MANY),
  local('TwoNN', '', twoNnRule(), MANY),
  { name: 'CFDM', settings: 'scale from neighbours 10 and 50', run: closedForm },
  whole('TwoNN', '', ({ x }) => twoNn(x)),
  whole('Gride', 'n1 = 2, n2 = 4', async ({ x }) => (await gride(x, { near: 2, far: 4 })).dimension),
  whole('CorrInt', 'neighbours 10 and 20', ({ x }) => corrInt(x)),
  whole('MiND MLk', 'k = 20', ({ x }) => mindMl(x, { k: FEW })),
  whole('DANCo', `k = 10, d up to ${DANCO_MOST}`, ({ x, seed }) =>
    danco(x, { k: 10, maxDimension: Math.min(DANCO_MOST, rowSize(x)), seed }),
  ),
  whole('KNN', 'k = 5', ({ x, seed }) => knnGraph(x, { seed })),
  whole('FisherS', '', ({ x }) => fisherSGlobal(x)),
]

/** A set as float64 rows [N, D]. */
export function asRows(x: Task['x']): Task['x'] {
  return tensor(Float64Array.from(flatData(x)), [rowCount(x), rowSize(x)])
}
