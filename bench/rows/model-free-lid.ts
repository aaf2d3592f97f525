// Pointwise model-free dimensions of Fashion-MNIST images, neighbour search included, against scikit-dimension's way.
import { flatData, type MatmulBackend, type NdArray, rowSize, sliceRows, tensor } from '@ood/core'
import { loadDataset, writeNpy } from '@ood/datasets'
import {
  type DimensionRule,
  essRule,
  fisherRule,
  lpcaRule,
  mleRule,
  pointwiseDimensions,
  tleRule,
  twoNnRule,
} from '@ood/lid'
import { openMatmul } from '@ood/runtime'
import { measure, round } from '../measure.ts'
import type { Context, Measured, Row } from '../types.ts'

const POINTS = 2000
const NEIGHBOURS = 100

interface Estimator {
  /** Name on both sides. */
  name: string
  label: string
  rule: DimensionRule
  aim: number
  /** Points the peer is timed on: all would take it minutes; times are a point. */
  peerPoints: number
  /** Flops of one point beside the search. */
  flops: number
}

const cubic = (4 / 3) * NEIGHBOURS ** 3
const compat = 'scikit-dimension' as const
const estimators: readonly Estimator[] = [
  { name: 'lpca', label: 'lPCA', rule: lpcaRule(), aim: 10, peerPoints: 200, flops: cubic },
  { name: 'mle', label: 'MLE', rule: mleRule(), aim: 1, peerPoints: POINTS, flops: 0 },
  { name: 'twoNn', label: 'TwoNN', rule: twoNnRule({ compat }), aim: 1, peerPoints: 400, flops: 0 },
  { name: 'ess', label: 'ESS', rule: essRule(), aim: 10, peerPoints: 40, flops: 0 },
  { name: 'tle', label: 'TLE', rule: tleRule(), aim: 3, peerPoints: 200, flops: 0 },
  { name: 'fisher', label: 'FisherS', rule: fisherRule(), aim: 10, peerPoints: 200, flops: cubic },
]

export const modelFreeLidRows: Row[] = [
  ...estimators.map((estimator) => ({
    name: `pointwise ${estimator.label}, 2000 images, k = 100`,
    run: (context: Context) => row(context, estimator),
  })),
  {
    name: 'pointwise MLE, 2000 images, k = 100, onnxruntime products',
    run: async (context: Context) => {
      const matmul = await openMatmul({ threads: 2 })
      const result = await row(context, estimators[1]!, matmul)
      await matmul.release()
      return result
    },
  },
]

/** The first training images with values in 0..1, one a row. */
async function images(quick: boolean): Promise<NdArray> {
  const count = quick ? 300 : POINTS
  const { images } = await loadDataset('fashion-mnist', { split: 'train' })
  const some = sliceRows(images, 0, count)
  return tensor(
    flatData(some).map((byte) => byte / 255),
    [count, rowSize(some)],
  )
}

async function row(context: Context, estimator: Estimator, matmul?: MatmulBackend): Promise<Measured> {
  const { peer, peaks, folder, quick } = context
  const { name, rule, aim, flops } = estimator
  const x = await images(quick)
  const n = x.shape[0]!
  const k = quick ? 20 : NEIGHBOURS
  const queries = quick ? 20 : estimator.peerPoints
  const ours = () => pointwiseDimensions(x, rule, { neighbours: k, threads: 2, ...(matmul ? { matmul } : {}) })
  let peerName = 'scikit-dimension'
  let details: Record<string, string | number> = { points: n, peer_points: queries }
  if (peer) {
    await writeNpy(`${folder}/lid-images.npy`, x)
    const options = { images: `${folder}/lid-images.npy`, estimator: name, k, queries, threads: 2 }
    peerName = (await peer.prepare('model_free_lid', options)).peer as string
    const theirs = (await peer.run('model_free_lid')).result.lid as (number | null)[]
    const { lid } = await ours()
    // JSON has no infinity: FisherS of points that are all separable.
    const far = theirs.map((value, i) => {
      const want = value ?? Number.POSITIVE_INFINITY
      return want === lid[i] ? 0 : Math.abs(lid[i]! / want - 1)
    })
    details = { ...details, largest_relative_difference: Math.max(...far) }
  }
  const work = n * n * rowSize(x) + n * flops
  return measure(context, {
    threads: 2,
    ours,
    oursItems: n,
    peer: peer && (() => peer.run('model_free_lid')),
    peerItems: queries,
    peerName,
    bound: {
      ms: work / peaks.float64[2] / n,
      of: 'flops',
      work: `${round(work / 1e9)} Gflop float64 for all points: products of all pairs once${flops > 0 ? ', a tridiagonal form each' : ''}`,
    },
    aimRatio: aim,
    details,
  })
}
