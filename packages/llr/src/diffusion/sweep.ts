// Runs the probes of every row through the network and keeps a mean and a variance per block, nothing else.
import {
  type CallOptions,
  forEachBatch,
  type NdArray,
  random,
  rowCount,
  rowSize,
  type ScoreModel,
  takeRows,
} from '@ood/core'
import type { ProbePlan } from './plan.ts'
import { residualNorms } from './residuals.ts'

/** (row, probe) pairs in one call of the model. */
const BATCH = 256

/** Means over each block of probes, [N, K] row-major, and the variances of those means. */
export interface BlockMeans {
  mean: Float64Array
  variance: Float64Array
}

/**
 * Block means of every row. A probe's random numbers come from the seed, the key of its row (none: shared by all rows)
 * and its number; a row's probes are added up in their order, so batches leave no trace in the result.
 */
export async function blockMeans(
  model: ScoreModel,
  x: NdArray,
  plan: ProbePlan,
  keys: ArrayLike<number> | undefined,
  call: CallOptions,
): Promise<BlockMeans> {
  const { signal, seed = 0 } = call
  const d = rowSize(x)
  const k = plan.blocks.length
  const places = plan.blocks.flatMap(({ count }, block) => Array.from({ length: count }, (_, i) => ({ block, i })))
  const moments = new Moments(rowCount(x) * k, plan.paired)
  const root = random(seed).fork('diffusion-ratio')
  await forEachBatch('diffusionRatio', rowCount(x) * places.length, BATCH, call, async (from, to) => {
    const pairs = to - from
    const rowOf = (pair: number): number => Math.floor((from + pair) / places.length)
    const times = new Float64Array(pairs)
    const factors = new Float64Array(pairs)
    const noise = new Float64Array(pairs * d)
    for (let pair = 0; pair < pairs; pair++) {
      const number = (from + pair) % places.length
      const { block, i } = places[number]!
      const rng = root.fork(keys ? keys[rowOf(pair)]! : 'shared').fork(number)
      const { t, factor } = plan.blocks[block]!.draw(i, rng.uniform())
      times[pair] = t
      factors[pair] = factor
      for (let j = pair * d; j < (pair + 1) * d; j++) noise[j] = rng.normal()
    }
    const rows = takeRows(
      x,
      Int32Array.from({ length: pairs }, (_, pair) => rowOf(pair)),
    )
    const { l1, l2 } = await residualNorms(model, rows, times, noise, { signal })
    const norms = plan.norm === 1 ? l1 : l2
    for (let pair = 0; pair < pairs; pair++)
      moments.add(rowOf(pair) * k + places[(from + pair) % places.length]!.block, factors[pair]! * norms[pair]!)
  })
  const counts = plan.blocks.map(({ count }) => count)
  return moments.means(counts)
}

/** Running sums of many blocks at once. */
class Moments {
  private readonly mean: Float64Array
  private readonly squares: Float64Array
  private readonly last: Float64Array
  private readonly count: Int32Array
  private readonly strata: boolean
  constructor(size: number, strata: boolean) {
    this.mean = new Float64Array(size)
    this.squares = new Float64Array(size)
    this.last = new Float64Array(strata ? size : 0)
    this.count = new Int32Array(size)
    this.strata = strata
  }
  add(at: number, value: number): void {
    const count = this.count[at]! + 1
    const before = value - this.mean[at]!
    const mean = this.mean[at]! + before / count
    if (!this.strata) this.squares[at] = this.squares[at]! + before * (value - mean)
    else if (count > 1) this.squares[at] = this.squares[at]! + (value - this.last[at]!) ** 2 / 2
    if (this.strata) this.last[at] = value
    this.mean[at] = mean
    this.count[at] = count
  }
  /**
   * Variances of the means: the usual for independent draws; for one draw a stratum half the mean square of successive
   * differences over the count, which leaves the trend across strata out but for one step.
   */
  means(counts: readonly number[]): BlockMeans {
    const variance = this.squares.map((sum, at) => {
      const count = counts[at % counts.length]!
      return count > 1 ? sum / (count - 1) / count : Number.NaN
    })
    return { mean: this.mean, variance }
  }
}
