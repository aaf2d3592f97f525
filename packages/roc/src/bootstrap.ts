// Seeded, stratified bootstrap confidence interval of any statistic of two classes of scores.
import { auroc } from './auroc.ts'
import { dualAuroc } from './dual-auroc.ts'
import { RocError } from './errors.ts'
import { checkFraction, checkInteger, checkObject, copyDual, copyScores } from './internal/check.ts'
import { integerStream } from './internal/random.ts'
import { countBelow, distinct, quantile } from './internal/search.ts'
import { sortAscending } from './internal/sort.ts'
import type { DualColumns, DualScores, Scores } from './scores.ts'

/** A statistic with its bootstrap standard error and percentile interval. */
export interface BootstrapInterval {
  /** The statistic on the scores themselves. */
  readonly estimate: number
  /** Standard deviation of the statistic over the resamples (divisor resamples - 1). */
  readonly standardError: number
  readonly lower: number
  readonly upper: number
  /** Confidence level, e.g. 0.95. */
  readonly level: number
  readonly resamples: number
}

/** Options of {@link bootstrapInterval}; `S` is what one class looks like to the statistic. */
export interface BootstrapOptions<S> {
  /** Statistic of (positives, negatives). Default {@link auroc}, or {@link dualAuroc} for dual scores. */
  readonly statistic?: ((positives: S, negatives: S) => number) | undefined
  /** Number of resamples, at least 2. Default 2000. */
  readonly resamples?: number | undefined
  /** Confidence level in (0, 1). Default 0.95. */
  readonly level?: number | undefined
  /** Any safe integer; the same seed gives the same interval on every machine. Default 0. */
  readonly seed?: number | undefined
}

/**
 * Percentile bootstrap interval (Efron 1979), stratified: each resample draws n+ positives and n- negatives with
 * replacement, so the class sizes stay as they are. For {@link DualScores} the (x, y) of an item stay together.
 *
 * The limits are the (1 - level) / 2 and (1 + level) / 2 quantiles of the statistic over the resamples (linear between
 * order statistics). For the dual AUROC each resample also chooses its own thresholds, and repeated items make that
 * choice easier, so the interval sits somewhat high; it measures spread, not the optimism of choosing thresholds.
 *
 * @param positives - scores, or x and y, of the positive class
 * @param negatives - the same for the negative class
 * @throws RocError E_EMPTY, E_NOT_FINITE, E_SHAPE, E_ARGUMENT (also when the statistic returns NaN or infinity)
 *
 * Cost: `resamples` times the statistic; for the default AUROC that is O(n) a resample, without sorting.
 *
 * @example
 * bootstrapInterval(positives, negatives, { seed: 1 })
 * bootstrapInterval(positives, negatives, { statistic: averagePrecision })
 * bootstrapInterval({ x: logProbId, y: lidId }, { x: logProbOod, y: lidOod }, { resamples: 500 })
 */
export function bootstrapInterval(
  positives: Scores,
  negatives: Scores,
  options?: BootstrapOptions<Float64Array>,
): BootstrapInterval
export function bootstrapInterval(
  positives: DualScores,
  negatives: DualScores,
  options?: BootstrapOptions<DualColumns>,
): BootstrapInterval
export function bootstrapInterval(
  positives: Scores | DualScores,
  negatives: Scores | DualScores,
  options: BootstrapOptions<Float64Array> | BootstrapOptions<DualColumns> = {},
): BootstrapInterval {
  checkObject('options', options)
  const { resamples = 2000, level = 0.95, seed = 0 } = options
  checkInteger('resamples', resamples, 2)
  checkFraction('level', level)
  checkInteger('seed', seed, Number.NEGATIVE_INFINITY)
  const draw = integerStream(seed)

  let estimate: number
  let resample: () => number
  if (isDual(positives) && isDual(negatives)) {
    const pos = copyDual('positives', positives)
    const neg = copyDual('negatives', negatives)
    const statistic = (options as BootstrapOptions<DualColumns>).statistic ?? dualAuroc
    estimate = statistic(pos, neg)
    resample = () => statistic(drawDual(pos, draw), drawDual(neg, draw))
  } else {
    const pos = copyScores('positives', positives as Scores)
    const neg = copyScores('negatives', negatives as Scores)
    const statistic = (options as BootstrapOptions<Float64Array>).statistic
    estimate = (statistic ?? auroc)(pos, neg)
    resample =
      statistic === undefined
        ? resampledAuroc(pos, neg, draw)
        : () => statistic(drawScores(pos, draw), drawScores(neg, draw))
  }

  checkStatistic(estimate)
  const values = new Float64Array(resamples)
  for (let i = 0; i < resamples; i++) {
    const value = resample()
    checkStatistic(value)
    values[i] = value
  }
  const standardError = standardDeviation(values)
  sortAscending(values)
  const lower = quantile(values, (1 - level) / 2)
  const upper = quantile(values, (1 + level) / 2)
  return { estimate, standardError, lower, upper, level, resamples }
}

function checkStatistic(value: unknown): void {
  if (!Number.isFinite(value)) throw new RocError('E_ARGUMENT', 'statistic', 'a finite number', value)
}

function isDual(scores: Scores | DualScores): scores is DualScores {
  return typeof scores === 'object' && scores !== null && 'x' in scores
}

function drawScores(scores: Float64Array, draw: (n: number) => number): Float64Array {
  const out = new Float64Array(scores.length)
  for (let i = 0; i < out.length; i++) out[i] = scores[draw(out.length)]!
  return out
}

function drawDual({ x, y }: DualColumns, draw: (n: number) => number): DualColumns {
  const sample = { x: new Float64Array(x.length), y: new Float64Array(y.length) }
  for (let i = 0; i < x.length; i++) {
    const item = draw(x.length)
    sample.x[i] = x[item]!
    sample.y[i] = y[item]!
  }
  return sample
}

/** AUROC of resamples by counting how often each distinct score is drawn: sorting once serves all of them. */
function resampledAuroc(pos: Float64Array, neg: Float64Array, draw: (n: number) => number): () => number {
  const pooled = new Float64Array(pos.length + neg.length)
  pooled.set(pos)
  pooled.set(neg, pos.length)
  const values = distinct(sortAscending(pooled))
  const positiveRank = Uint32Array.from(pos, (value) => countBelow(values, value))
  const negativeRank = Uint32Array.from(neg, (value) => countBelow(values, value))
  const positivesAt = new Uint32Array(values.length)
  const negativesAt = new Uint32Array(values.length)
  return () => {
    positivesAt.fill(0)
    negativesAt.fill(0)
    for (let i = 0; i < pos.length; i++) positivesAt[positiveRank[draw(pos.length)]!]!++
    for (let i = 0; i < neg.length; i++) negativesAt[negativeRank[draw(neg.length)]!]!++
    let below = 0
    let doubled = 0
    for (let rank = 0; rank < values.length; rank++) {
      const equal = negativesAt[rank]!
      doubled += positivesAt[rank]! * (2 * below + equal)
      below += equal
    }
    return doubled / (2 * pos.length * neg.length)
  }
}

/** Shifted by the first value, so that equal values give exactly 0. */
function standardDeviation(values: Float64Array): number {
  const shift = values[0]!
  let mean = 0
  for (const value of values) mean += (value - shift) / values.length
  let sum = 0
  for (const value of values) sum += (value - shift - mean) ** 2
  return Math.sqrt(sum / (values.length - 1))
}
