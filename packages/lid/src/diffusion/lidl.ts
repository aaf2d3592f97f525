// LIDL from an ensemble: models of the data under different amounts of noise, and the slope of their log-likelihoods.
import {
  assertOptions,
  CALL_OPTIONS,
  type CallOptions,
  flatData,
  type LikelihoodModel,
  mismatch,
  type NdArray,
  rowCount,
  rowSize,
  tensor,
} from '@ood/core'
import { checkedDeltas } from './deltas.ts'
import { olsSlope } from './slope.ts'

/** A model trained on x + delta eps, eps ~ N(0, I). */
export interface LidlMember {
  model: LikelihoodModel
  /** Standard deviation of the noise it was trained with, in the units of `x`. */
  delta: number
}

/** Options of the LIDL slope. */
export interface LidlOptions {
  /**
   * `'point'` (default): a log-likelihood that is not finite is left out for its own point.
   * `'batch'`: as published, a model whose log-likelihood is NaN at any point is left out for all, so that results
   * depend on the batch.
   */
  missing?: 'point' | 'batch' | undefined
}

/** What `lidlEnsemble` finds. */
export interface Lidl {
  /** D + slope, one a row; NaN where fewer than two models are left. */
  lid: Float64Array
  /** log p of every model, [N, models], in the order of increasing delta. */
  logProb: NdArray<Float64Array>
  deltas: Float64Array
}

/**
 * LIDL (Tempczyk, Michaluk, Garncarek, Spurek, Tabor, Goliński 2022, LIDL: Local Intrinsic Dimension Estimation Using
 * Approximate Likelihood): near a k-dimensional manifold the density of the data plus N(0, delta² I)
 * grows as delta^{k - D}, hence LID = D + OLS slope of log p_delta(x) on log delta.
 *
 * @param members - at least two models with different deltas, none below 1e-4
 * @param x - raw points [N, ...dataShape]; log-likelihoods must be of the same space for all models
 * @throws OodError `E_ARGUMENT` for bad deltas; whatever the models throw
 * @example
 * const { lid } = await lidlEnsemble([{ model: a, delta: 0.01 }, { model: b, delta: 0.1 }], images)
 */
export async function lidlEnsemble(
  members: readonly LidlMember[],
  x: NdArray,
  options: LidlOptions & CallOptions = {},
): Promise<Lidl> {
  assertOptions('lidlEnsemble', options, [...CALL_OPTIONS, 'missing'])
  const { missing, ...call } = options
  const sorted = members.toSorted((a, b) => a.delta - b.delta)
  const deltas = checkedDeltas(
    'lidlEnsemble',
    sorted.map(({ delta }) => delta),
  )
  const n = rowCount(x)
  const m = sorted.length
  const logProb = new Float64Array(n * m)
  for (const [j, { model }] of sorted.entries()) {
    const { instance } = await model.logProb(x, call)
    if (instance.length !== n) throw mismatch('E_SHAPE', 'lidlEnsemble logProb', `${n} numbers`, instance.length)
    for (let i = 0; i < n; i++) logProb[i * m + j] = instance[i]!
  }
  const table = tensor(logProb, [n, m])
  const d = rowSize(x)
  return {
    lid: lidlSlopes(table, deltas, { missing }).map((slope) => d + slope),
    logProb: table,
    deltas,
  }
}

/**
 * OLS slopes of the rows of `logProb` on log delta: LIDL less D, for log-likelihoods computed elsewhere.
 *
 * @param logProb - [N, deltas]
 * @param deltas - one for each column
 * @returns N slopes; NaN where fewer than two numbers are left
 * @throws OodError `E_SHAPE` when the columns are not as many as the deltas
 * @example
 * lidlSlopes(logProb, lidlDeltas()).map((slope) => 784 + slope)
 */
export function lidlSlopes(logProb: NdArray, deltas: ArrayLike<number>, options: LidlOptions = {}): Float64Array {
  assertOptions('lidlSlopes', options, ['missing'])
  const n = rowCount(logProb)
  const m = deltas.length
  if (logProb.shape.length !== 2 || logProb.shape[1] !== m)
    throw mismatch('E_SHAPE', 'lidlSlopes', `[N, ${m}] log-likelihoods`, logProb.shape)
  const values = flatData(logProb)
  const logs = Float64Array.from(deltas, Math.log)
  const columns = Array.from(logs.keys())
  const rows = Array.from({ length: n }, (_, i) => i)
  const whole = columns.filter((j) => !rows.some((i) => Number.isNaN(values[i * m + j]!)))
  return Float64Array.from(rows, (i) => {
    const kept = options.missing === 'batch' ? whole : columns.filter((j) => Number.isFinite(values[i * m + j]!))
    return olsSlope(
      kept.map((j) => logs[j]!),
      kept.map((j) => values[i * m + j]!),
    )
  })
}
