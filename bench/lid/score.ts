// From estimates and truths to the figures of one cell, and from cells to intervals over seeds.
import { mean, OodError, variance } from '@ood/core'
import { concordanceIndex, mae, mse, relativeBias } from '@ood/lid'
import type { Outcome } from './types.ts'

/** The figures of one cell on data with known dimension. One estimate stands for every point. */
export function outcomeOf(truth: Float64Array, estimates: ArrayLike<number>, ms: number): Outcome {
  const lid = estimates.length === 1 ? new Float64Array(truth.length).fill(estimates[0]!) : Float64Array.from(estimates)
  if (lid.some((value) => !Number.isFinite(value))) throw new OodError('E_NOT_FINITE', 'infinite at some points')
  const byDimension: Record<string, number> = {}
  for (const d of [...new Set(truth)].sort((a, b) => a - b)) {
    const here = lid.filter((_, i) => truth[i] === d)
    byDimension[d] = mean(here)
  }
  return {
    mae: mae(truth, lid),
    mse: mse(truth, lid),
    relativeBias: relativeBias(truth, lid),
    concordance: concordanceIndex(truth, lid),
    meanLid: mean(lid),
    meanTruth: mean(truth),
    byDimension,
    ms,
  }
}

// Two-sided 95 % quantiles of Student's t for 1 .. 9 degrees of freedom.
const T95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]

/** Mean and half width of its 95 % confidence interval (Student's t over the seeds); NaN half width for one value. */
export function interval(values: readonly number[]): { mean: number; half: number } {
  const n = values.length
  if (n < 2) return { mean: mean(values), half: Number.NaN }
  return { mean: mean(values), half: (T95[n - 2] ?? 1.96) * Math.sqrt(variance(values) / n) }
}

/** Ranks from 1, ties sharing their mean rank. */
function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!)
  const out = new Float64Array(values.length)
  for (let i = 0; i < order.length; ) {
    let j = i
    while (j < order.length && values[order[j]!] === values[order[i]!]) j++
    for (let k = i; k < j; k++) out[order[k]!] = (i + j + 1) / 2
    i = j
  }
  return out
}

/** Spearman's rank correlation: Pearson's of the ranks, NaN when one side is constant. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [ranks(a), ranks(b)]
  const [mx, my] = [mean(x), mean(y)]
  let [xy, xx, yy] = [0, 0, 0]
  for (let i = 0; i < x.length; i++) {
    xy += (x[i]! - mx) * (y[i]! - my)
    xx += (x[i]! - mx) ** 2
    yy += (y[i]! - my) ** 2
  }
  return xy / Math.sqrt(xx * yy)
}
