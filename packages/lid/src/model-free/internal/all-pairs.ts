// Products and squared distances of all pairs of a data set, made once where the estimators would make them many times.
import type { CallOptions, FloatArray } from '@ood/core'
import { distancePoints } from '@ood/linalg'
import type { RuleSpec } from '../neighbourhood.ts'
import type { Engine } from './engine.ts'
import { type Job, numbers, sharedCopy } from './jobs.ts'
import { KEPT } from './products.ts'
import { cores, crew } from './threads.ts'

/** Rows of a tile. */
const TILE = 256
/** Flops from which worker threads pay for their start. */
const THREADED = 4e9

/** Built-in estimators that look at inner products of neighbours. */
const PRODUCTS: ReadonlySet<string> = new Set(['lpca', 'ess', 'fisher'])
/** Built-in estimators that look at distances between neighbours. */
const SQUARES: ReadonlySet<string> = new Set([
  ...['abid', 'corrInt', 'danco', 'gride', 'knnGraph', 'mind', 'tle', 'twoNn'],
])
/** Coordinates from which reading a pair off a matrix is faster than computing it from so many. */
const PRODUCTS_FROM = 64
const SQUARES_FROM = 16

/**
 * Makes what the rule will read at `queries` points with k neighbours each, where all n² / 2 pairs are fewer than the
 * k² / 2 of every point, and there are not too many to keep.
 */
export async function prepareAllPairs(
  engine: Engine,
  spec: RuleSpec | undefined,
  queries: number,
  k: number,
  wanted: number | undefined,
  call: CallOptions,
): Promise<void> {
  const { count: n, ambient: d } = engine
  if (spec === undefined || n > KEPT || n * n > queries * k * k) return
  // Local PCA of more points than dimensions takes their covariance.
  const products = PRODUCTS.has(spec.estimator) && d >= PRODUCTS_FROM && (spec.estimator !== 'lpca' || k <= d)
  if (products && !engine.products) {
    const team = wanted ?? (n * n * d > THREADED ? await cores() : 1)
    const raw = team > 1 ? sharedCopy(engine.raw) : engine.raw
    const { centred } = distancePoints(raw, n, d, undefined, numbers(n * d, team > 1))
    engine.products = { values: await tiles('products', centred, n, d, team, call), unitRoundoff: 2 ** -53 }
  }
  if (SQUARES.has(spec.estimator) && d >= SQUARES_FROM && !engine.squares) {
    const team = wanted ?? (4.5 * n * n * d > THREADED ? await cores() : 1)
    const raw = team > 1 ? sharedCopy(engine.raw) : engine.raw
    engine.squares = await tiles('squares', raw, n, d, team, call)
  }
}

async function tiles(
  what: 'products' | 'squares',
  data: FloatArray,
  n: number,
  ambient: number,
  threads: number,
  call: CallOptions,
): Promise<Float64Array> {
  const values = numbers(n * n, threads > 1)
  const jobs: Job[] = []
  for (let r = 0; r < n; r += TILE) {
    for (let c = r; c < n; c += TILE) {
      const rows = [r, Math.min(n, r + TILE)] as const
      jobs.push({ kind: 'tile', what, data, ambient, n, values, rows, columns: [c, Math.min(n, c + TILE)] })
    }
  }
  await crew(threads).run(jobs, { what: 'pairs of neighbours', signal: call.signal })
  return values
}
