// Scores of the likelihood ratio from the log-probabilities of the two models: instance by instance, feature by feature.
import { assertOptions, flatData, type LogProb, mismatch, type NdArray, OodError, tensor } from '@ood/core'

/** How feature log-probabilities make an instance's: `sum` (the model's own log p(x)) or `mean` over the features. */
export type RatioConvention = 'sum' | 'mean'

/** Outlier scores of a batch: higher = more OOD. */
export interface OutlierScores {
  /** One score a row. */
  instance: Float64Array
  /** One score a feature, [N, ...featureShape]; null where not asked for or not known. */
  feature: NdArray<Float64Array> | null
}

/** Options of `ratioScores`. */
export interface RatioScoreOptions {
  /** Default `sum`. */
  convention?: RatioConvention | undefined
  /** Whether feature scores are wanted: `optional` (default) takes them where both models have them. */
  feature?: 'none' | 'optional' | 'required' | undefined
  /**
   * A row (or feature) that has log p = -Infinity under both models has no ratio. `error` (default) refuses it by name;
   * `outlier` scores it +Infinity, as data that neither model can produce.
   */
  impossible?: 'error' | 'outlier' | undefined
}

/**
 * Likelihood-ratio scores (Ren et al. 2019, arXiv 1906.02845):
 *
 *     instance = -(log p_s(x) - log p_b(x))        feature_d = -(log p_s(x_d | ...) - log p_b(x_d | ...))
 *
 * with log p(x) the model's own (`sum`) or the mean of its feature log-probabilities (`mean`), in nats. Both kinds come
 * from one sweep of each model. Infinite log-probabilities follow the arithmetic of limits: a row only the background
 * can produce scores +Infinity, one that only the semantic model can produce -Infinity; equal infinities have no ratio
 * (see `impossible`; two densities of +Infinity are always an error).
 *
 * @param semantic - log-probabilities of N rows under the model of the data
 * @param background - the same rows under the background model, with the same noise where a likelihood is stochastic
 * @throws OodError `E_SHAPE` for different numbers of rows or feature shapes, `E_NOT_FINITE` for NaN or a ratio that
 *   does not exist, naming the row; `E_UNSUPPORTED` when feature maps are needed and a model has none
 * @example
 * const { instance } = ratioScores(await semantic.logProb(x), await background.logProb(x))
 */
export function ratioScores(semantic: LogProb, background: LogProb, options: RatioScoreOptions = {}): OutlierScores {
  assertOptions('ratioScores', options, ['convention', 'feature', 'impossible'])
  const { convention = 'sum', feature = 'optional', impossible = 'error' } = options
  if (convention !== 'sum' && convention !== 'mean')
    throw mismatch('E_ARGUMENT', 'convention', 'sum or mean', convention)
  const n = semantic.instance.length
  if (background.instance.length !== n)
    throw mismatch('E_SHAPE', 'background log-probabilities', `${n} rows`, background.instance.length)
  const maps = featureMaps(semantic, background, n)
  const needed = feature === 'required' ? 'feature scores' : convention === 'mean' ? 'convention mean' : null
  if (n > 0 && needed && !maps) {
    const which = semantic.feature ? 'the background model' : 'the semantic model'
    throw new OodError('E_UNSUPPORTED', `${needed}: expected log-probabilities of features, got none from ${which}`)
  }
  const instance = new Float64Array(n)
  for (let row = 0; row < n; row++) {
    const [s, b] =
      convention === 'mean' && maps
        ? [meanOf(maps.semantic, row, maps.size), meanOf(maps.background, row, maps.size)]
        : [semantic.instance[row]!, background.instance[row]!]
    const score = b - s
    instance[row] = Number.isFinite(score) ? score : limit(s, b, impossible, `row ${row}`)
  }
  if (!maps || feature === 'none') return { instance, feature: null }
  const { size, shape } = maps
  const scores = new Float64Array(n * size)
  for (let i = 0; i < scores.length; i++) {
    const score = maps.background[i]! - maps.semantic[i]!
    scores[i] = Number.isFinite(score)
      ? score
      : limit(maps.semantic[i]!, maps.background[i]!, impossible, `feature ${i % size} of row ${Math.floor(i / size)}`)
  }
  return { instance, feature: tensor(scores, shape) }
}

/** The score of log-probabilities that are not both finite. */
function limit(semantic: number, background: number, impossible: 'error' | 'outlier', where: string): number {
  const what = 'likelihood ratio'
  if (Number.isNaN(semantic))
    throw mismatch('E_NOT_FINITE', what, 'log-probabilities', `NaN from the semantic model in ${where}`)
  if (Number.isNaN(background))
    throw mismatch('E_NOT_FINITE', what, 'log-probabilities', `NaN from the background model in ${where}`)
  if (semantic !== background) return background - semantic
  if (semantic < 0 && impossible === 'outlier') return Number.POSITIVE_INFINITY
  throw mismatch('E_NOT_FINITE', what, 'a finite log p under one model at least', `${semantic} under both in ${where}`)
}

interface FeatureMaps {
  semantic: ArrayLike<number>
  background: ArrayLike<number>
  shape: readonly number[]
  /** Features of one row. */
  size: number
}

function featureMaps(semantic: LogProb, background: LogProb, n: number): FeatureMaps | undefined {
  const { feature: s } = semantic
  const { feature: b } = background
  if (!s || !b) return undefined
  if (s.shape.join() !== b.shape.join() || s.shape[0] !== n)
    throw mismatch('E_SHAPE', 'background feature log-probabilities', `[${[n, ...s.shape.slice(1)]}]`, `[${b.shape}]`)
  const size = s.shape.slice(1).reduce((product, k) => product * k, 1)
  if (size === 0 && n > 0) throw mismatch('E_SHAPE', 'feature log-probabilities', 'at least one a row', `[${s.shape}]`)
  return { semantic: flatData(s), background: flatData(b), shape: s.shape, size }
}

/** Mean of one row, summed from its first feature to its last: the same in any batch. */
function meanOf(values: ArrayLike<number>, row: number, size: number): number {
  let sum = 0
  for (let i = row * size; i < (row + 1) * size; i++) sum += values[i]!
  return sum / size
}
