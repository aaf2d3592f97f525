// A finite data set drawn from a manifold: lazy, and the same points whatever the chunks they are asked for in.
import { mismatch, type Random, random, tensor } from '@ood/core'
import type { Manifold, ManifoldPoints, PointSampler } from './types.ts'

/** Points drawn from one random stream; a row costs at most this many draws to reach. */
const BLOCK = 256

/** Points that fix the standardisation when it must not depend on the size of the set. */
const CALIBRATION = 1024

/** Which points of a manifold. */
export interface ManifoldSetOptions {
  /** Number of points N. */
  n: number
  /** Seed of the geometry and of the points (default 0, a seed like any other). */
  seed?: number | undefined
  /** Other points on the same manifold for every name (default `train`). */
  split?: string | undefined
  /**
   * Maps every coordinate to mean 0 and deviation 1. `true`: by the statistics of 1024 points of their own, so that
   * splits and sizes share one map. `'set'`: by those of exactly this set. Default false.
   */
  standardize?: boolean | 'set' | undefined
}

/** A data set on a manifold with known local intrinsic dimension. Nothing is stored: points are drawn when asked for. */
export interface ManifoldSet {
  readonly name: string
  readonly n: number
  /** Shape of one point. */
  readonly shape: readonly number[]
  /** True dimension of each component. */
  readonly dimensions: readonly number[]
  /** Rows `from` to `to` (exclusive). */
  rows(from: number, to: number): ManifoldPoints
  /** All rows; takes 8 N D bytes. */
  all(): ManifoldPoints
  /** All rows in chunks of at most `size`. */
  chunks(size: number): Generator<ManifoldPoints>
}

/**
 * Draws a data set from a manifold.
 *
 * Row i depends on the manifold, the seed, the split and i alone: not on N, nor on the chunks rows are read in (only
 * `standardize: 'set'` makes them depend on N). Cost: one point map a row, plus up to 255 points before the first row.
 *
 * @throws OodError `E_ARGUMENT` for a negative or fractional size, or rows outside the set
 * @example
 * const set = manifoldSet(lollipop(), { n: 1_000_000, seed: 42 })
 * for (const { points, lid } of set.chunks(10_000)) train(points)
 */
export function manifoldSet(manifold: Manifold, options: ManifoldSetOptions): ManifoldSet {
  const { n, seed = 0, split = 'train', standardize = false } = options
  if (!(Number.isSafeInteger(n) && n >= 0)) throw mismatch('E_ARGUMENT', 'manifold n', 'a whole number >= 0', n)
  const root = random(seed).fork(`manifold ${manifold.name}`)
  const size = manifold.shape.reduce((product, m) => product * m, 1)
  // Drawn once, and only when points are asked for: large geometries (a 2000 x 200 isometry) take a second.
  let built: PointSampler | undefined
  const sampler = (): PointSampler => {
    built ??= manifold.build(root.fork('geometry'))
    return built
  }
  const draw = (stream: Random, from: number, to: number): ManifoldPoints =>
    drawRows(manifold, sampler(), stream, size, from, to)
  let map: AffineMap | undefined
  const rows = (from: number, to: number): ManifoldPoints => {
    if (!(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to && to <= n))
      throw mismatch('E_ARGUMENT', 'manifold rows', `0 <= from <= to <= ${n}`, `${from}, ${to}`)
    const drawn = draw(root.fork(`points ${split}`), from, to)
    if (standardize !== false) {
      map ??=
        standardize === 'set'
          ? standardization((a, b) => draw(root.fork(`points ${split}`), a, b), n, size)
          : standardization((a, b) => draw(root.fork('standardize'), a, b), CALIBRATION, size)
      apply(map, drawn.points.data)
    }
    return drawn
  }
  return {
    name: manifold.name,
    n,
    shape: manifold.shape,
    dimensions: manifold.dimensions,
    rows,
    all: () => rows(0, n),
    *chunks(chunk) {
      if (!(Number.isSafeInteger(chunk) && chunk > 0))
        throw mismatch('E_ARGUMENT', 'manifold chunks', 'a positive integer', chunk)
      for (let from = 0; from < n; from += chunk) yield rows(from, Math.min(n, from + chunk))
    },
  }
}

function drawRows(
  manifold: Manifold,
  sampler: PointSampler,
  stream: Random,
  size: number,
  from: number,
  to: number,
): ManifoldPoints {
  const data = new Float64Array((to - from) * size)
  const component = new Int32Array(to - from)
  const skipped = new Float64Array(size)
  for (let block = Math.floor(from / BLOCK); block * BLOCK < to; block++) {
    const rng = stream.fork(block)
    const end = Math.min(to, (block + 1) * BLOCK)
    // A block is drawn from its start, so the points before `from` are drawn and dropped.
    for (let i = block * BLOCK; i < end; i++) {
      if (i < from) sampler(rng, skipped, 0)
      else component[i - from] = sampler(rng, data, (i - from) * size)
    }
  }
  const lid = Float64Array.from(component, (c) => manifold.dimensions[c]!)
  return { points: tensor(data, [to - from, ...manifold.shape]), lid, component }
}

interface AffineMap {
  mean: Float64Array
  scale: Float64Array
}

/** Mean and inverse deviation (divisor N) of every coordinate; constant coordinates are only centred. */
function standardization(draw: (from: number, to: number) => ManifoldPoints, n: number, size: number): AffineMap {
  const mean = new Float64Array(size)
  const squares = new Float64Array(size)
  let seen = 0
  for (let from = 0; from < n; from += BLOCK) {
    const to = Math.min(n, from + BLOCK)
    const { data } = draw(from, to).points
    for (let i = 0; i < to - from; i++) {
      seen += 1
      for (let j = 0; j < size; j++) {
        // Welford's update: no cancellation where the mean is far from 0.
        const value = data[i * size + j]!
        const gap = value - mean[j]!
        mean[j] = mean[j]! + gap / seen
        squares[j] = squares[j]! + gap * (value - mean[j]!)
      }
    }
  }
  const scale = squares.map((sum, j) => {
    const std = Math.sqrt(sum / Math.max(1, seen))
    return std > 1e-12 * Math.max(1, Math.abs(mean[j]!)) ? 1 / std : 1
  })
  return { mean, scale }
}

function apply(map: AffineMap, data: Float64Array): void {
  const size = map.mean.length
  for (let i = 0; i < data.length; i += size)
    for (let j = 0; j < size; j++) data[i + j] = (data[i + j]! - map.mean[j]!) * map.scale[j]!
}
