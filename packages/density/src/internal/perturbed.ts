// log p at random points around every row, block by block, each row's points a function of seed and row key alone.
import {
  assertCount,
  assertFinite,
  type CallOptions,
  flatData,
  forEachBatch,
  type LikelihoodModel,
  mismatch,
  type NdArray,
  type Random,
  random,
  rowCount,
  rowSize,
  tensor,
} from '@ood/core'

/** Points evaluated together. */
const MOST_POINTS = 256

/** What surrounds a row. */
export interface Cloud {
  what: string
  /** Points a row at each scale. */
  samples: number
  /** Factors of the directions. */
  scales: ArrayLike<number>
  /** Writes one direction. */
  draw(rng: Random, out: Float64Array, at: number, d: number): void
  /** Takes log p of point `sample` of `row` at scale `index`. */
  take(logProb: number, row: number, index: number, sample: number): void
}

/**
 * Evaluates log p at x + scale u for `samples` directions u a row, the same directions at every scale, so that a trend over
 * scales carries little noise.
 */
export async function perturbed(
  model: LikelihoodModel,
  x: NdArray,
  cloud: Cloud,
  options: CallOptions = {},
): Promise<void> {
  const { what, samples, scales } = cloud
  assertCount(`${what} samples`, samples)
  assertFinite(what, x)
  const n = rowCount(x, what)
  const d = rowSize(x)
  const { seed = 0, rows, signal, batchSize = MOST_POINTS } = options
  assertCount(`${what} batchSize`, batchSize)
  if (rows && rows.length !== n) throw mismatch('E_SHAPE', `${what} rows`, `${n} keys, one a row`, rows.length)
  const root = random(seed).fork(what)
  const centres = flatData(x)
  const perRow = samples * scales.length
  const directions = new Float64Array(d)
  await forEachBatch(what, n * perRow, batchSize, { ...options, batchSize }, async (from, to) => {
    const points = new Float64Array((to - from) * d)
    let drawn = -1
    for (let i = from; i < to; i++) {
      const row = Math.floor(i / perRow)
      const sample = Math.floor((i % perRow) / scales.length)
      const key = row * samples + sample
      if (key !== drawn) {
        cloud.draw(root.fork(rows ? rows[row]! : row).fork(sample), directions, 0, d)
        drawn = key
      }
      const scale = scales[i % scales.length]!
      const at = (i - from) * d
      for (let j = 0; j < d; j++) points[at + j] = centres[row * d + j]! + scale * directions[j]!
    }
    const { instance } = await model.logProb(tensor(points, [to - from, ...x.shape.slice(1)]), { signal })
    for (let i = from; i < to; i++) {
      const row = Math.floor(i / perRow)
      const value = instance[i - from]!
      if (Number.isNaN(value) || value === Number.POSITIVE_INFINITY)
        throw mismatch('E_NOT_FINITE', `${what} log p`, 'numbers', `${value} near row ${row}`)
      cloud.take(value, row, i % scales.length, Math.floor((i % perRow) / scales.length))
    }
  })
}
