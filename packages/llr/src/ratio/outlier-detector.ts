// The part every detector shares: calibration scores, a threshold, p-values, predictions, and refusing other data.
import {
  type CallOptions,
  flatData,
  mismatch,
  type NdArray,
  OodError,
  type Prediction,
  rowCount,
  type Thresholded,
} from '@ood/core'
import { assertProfile, type DataProfile, givenProfile, learnProfile } from './data-profile.ts'
import { type DecisionState, packScores, unpackScores } from './decision-state.ts'
import {
  ascending,
  assertNoNaN,
  assertScores,
  countFrom,
  linearPercentile,
  upperQuantile,
} from './internal/quantiles.ts'
import { VERSION } from './internal/version.ts'
import type { OutlierScores } from './ratio-scores.ts'

/** Which scores a threshold cuts: one a row, or one a feature. */
export type OutlierType = 'instance' | 'feature'

/**
 * Where a threshold is put. A bare number is a false positive rate.
 *
 * - `falsePositiveRate`: on in-distribution data, at most this share scores above the threshold (the quantile's higher
 *   neighbour).
 * - `percentile`: this percentage of the data is considered normal, linear between neighbours as NumPy does it. Data
 *   known to hold 30 % outliers takes 70.
 */
export type ThresholdTarget =
  | number
  | { falsePositiveRate: number; percentile?: never; outlierType?: OutlierType }
  | { percentile: number; falsePositiveRate?: never; outlierType?: OutlierType }

/** What a prediction holds; what is not asked for is null. */
export interface PredictionRequest {
  /** Which scores `isOutlier` cuts (default: those the threshold was inferred for). */
  outlierType?: OutlierType
  /** Default true. */
  returnInstanceScore?: boolean
  /** Default: where there are any. `true` is an error where there are none. */
  returnFeatureScore?: boolean
  /** Default: once there is a threshold. `true` is an error without one. */
  returnIsOutlier?: boolean
}

/** Which feature scores a caller wants. */
export type FeatureRequest = 'none' | 'optional' | 'required'

/** Settings every detector has. */
export interface DetectorOptions {
  /** A threshold known beforehand. */
  threshold?: number
  /** Which scores that threshold cuts (default `instance`). */
  outlierType?: OutlierType
  /** Free text for the metadata of predictions: `image`, `tabular`, `time-series` ... */
  dataType?: string
  /** Shape of one row; learnt from the first calibration data by default. */
  dataShape?: readonly number[]
  /** Smallest and largest value of the data; learnt by default. `any` switches the check off. */
  valueRange?: readonly [number, number] | 'any'
  /**
   * `reference`: p-values (1 + #{calibration > score}) / n, which can exceed 1, and `predict` without a threshold is an
   * error, as in the reference library.
   */
  compat?: 'reference'
}

/** What makes an outlier detector: a name and scores. */
export interface OutlierDetectorSpec extends DetectorOptions {
  name: string
  /** Scores of checked rows, N >= 1; higher = more OOD; infinite is allowed, NaN is not. */
  scores(x: NdArray, feature: FeatureRequest, call: CallOptions): Promise<OutlierScores>
}

/** A detector with threshold, p-values and predictions over batches [N, ...dataShape]. */
export interface OutlierDetector extends Thresholded<NdArray> {
  readonly name: string
  /** The threshold, or null before there is one. */
  readonly threshold: number | null
  readonly outlierType: OutlierType
  /** Ascending instance scores that p-values count in; null before calibration. */
  readonly calibrationScores: Float64Array | null
  readonly data: Readonly<DataProfile>
  score(x: NdArray, options?: CallOptions): Promise<Float64Array>
  /** Instance scores, and feature scores where wanted (default `optional`). */
  scores(x: NdArray, options?: CallOptions & { feature?: FeatureRequest }): Promise<OutlierScores>
  /** Takes in-distribution rows, best held out from training, as the reference of p-values. */
  calibrate(x: NdArray, options?: CallOptions): Promise<void>
  /** Forgets threshold and calibration scores; what is known of the data stays. */
  reset(): void
  /** Throws unless `x` is data of the shape and range this detector is for. */
  assertData(x: NdArray): void
  /** p-values of instance scores, null before calibration. */
  pValues(scores: ArrayLike<number>): Float64Array | null
  inferThreshold(x: NdArray, target: ThresholdTarget, options?: CallOptions): Promise<number>
  /** `inferThreshold` where the scores of the rows are there already. */
  inferThresholdFromScores(scores: OutlierScores, target: ThresholdTarget): number
  predict(x: NdArray, options?: CallOptions & PredictionRequest): Promise<Prediction>
  /** `predict` where the scores are there already. */
  predictFromScores(scores: OutlierScores, options?: PredictionRequest): Prediction
  /** Threshold, calibration scores and data profile as plain JSON. */
  decision(): DecisionState
}

/**
 * Makes a detector of any score (spec llr 1.6, 1.7).
 *
 * - `inferThreshold(x, target)`: see `ThresholdTarget`. With a false positive rate `x` is in-distribution, so unless
 *   `calibrate` gave others its scores become the calibration scores; a percentile's data may be contaminated and never do.
 * - `predict`: `isOutlier` = 1 where score > threshold, strictly; for features it lies flat in the order of
 *   `featureScore`. `pValue` = (1 + #{calibration scores >= score}) / (n + 1) of the instance scores: under
 *   exchangeability P(pValue <= a) <= a (conformal).
 * - The first rows seen by `calibrate` or `inferThreshold` fix the shape and value range of the data, unless given; other
 *   data is refused from then on.
 *
 * Errors: `E_SHAPE` and `E_ARGUMENT` for other data or bad arguments, `E_NOT_FINITE` for NaN and for a threshold that
 * would be infinite, `E_EMPTY`, `E_NOT_FITTED` when `isOutlier` is asked for without a threshold, `E_UNSUPPORTED` for
 * feature scores of a detector that has none. Cost: the score's; sorting n scores.
 *
 * @param spec - name, score and settings
 * @param state - `decision()` of an earlier detector, to continue from
 * @example
 * const brightness = outlierDetector({ name: 'Brightness', scores: async (x) => ({ instance: rowMeans(x), feature: null }) })
 * await brightness.inferThreshold(heldOut, 0.05)
 * const { data } = await brightness.predict(images) // data.isOutlier, data.pValue
 */
export function outlierDetector(spec: OutlierDetectorSpec, state?: DecisionState): OutlierDetector {
  const { name, compat } = spec
  if (spec.threshold !== undefined && !Number.isFinite(spec.threshold))
    throw mismatch('E_ARGUMENT', `${name} threshold`, 'a finite number', spec.threshold)
  let threshold = state ? state.threshold : (spec.threshold ?? null)
  let outlierType = assertType(state?.outlierType ?? spec.outlierType ?? 'instance')
  let calibration = state?.calibration ? unpackScores(state.calibration) : null
  let calibrated = state?.calibrated ?? false
  let profile = state?.data ?? givenProfile(spec.dataShape, spec.valueRange)

  const assertData = (x: NdArray): void => assertProfile(`${name} data`, x, profile)
  const scores = async (x: NdArray, feature: FeatureRequest, call: CallOptions = {}): Promise<OutlierScores> => {
    assertData(x)
    const n = rowCount(x)
    if (n === 0) return { instance: new Float64Array(0), feature: null }
    const found = await spec.scores(x, feature, call)
    if (found.instance.length !== n) throw mismatch('E_SHAPE', `${name} scores`, `${n} rows`, found.instance.length)
    assertNoNaN(`${name} scores`, found.instance)
    return found
  }
  const fitting = async (x: NdArray, feature: FeatureRequest, call?: CallOptions): Promise<OutlierScores> => {
    if (rowCount(x) === 0)
      throw new OodError('E_EMPTY', `${name} calibration data: expected at least one row, got none`)
    return await scores(x, feature, call)
  }
  const pValues = (values: ArrayLike<number>): Float64Array | null => {
    const known = calibration
    if (!known) return null
    assertNoNaN(`${name} scores`, values)
    const n = known.length
    return Float64Array.from(values, (value) =>
      compat ? (1 + countFrom(known, value, true)) / n : (1 + countFrom(known, value, false)) / (n + 1),
    )
  }
  const inferThresholdFromScores = (found: OutlierScores, target: ThresholdTarget): number => {
    const rule = typeof target === 'number' ? { falsePositiveRate: target } : target
    const type = targetType(rule)
    const sorted = ascending(chosen(name, found, type))
    assertScores(`${name} inferThreshold`, sorted)
    const value =
      rule.percentile === undefined
        ? upperQuantile(sorted, rule.falsePositiveRate as number)
        : linearPercentile(sorted, assertPercentile(rule.percentile))
    if (!Number.isFinite(value))
      throw mismatch('E_NOT_FINITE', `${name} inferThreshold`, 'a quantile among finite scores', value)
    if (rule.percentile === undefined && !calibrated) calibration = ascending(found.instance)
    threshold = value
    outlierType = type
    return value
  }
  const predictFromScores = (found: OutlierScores, request: PredictionRequest = {}): Prediction => {
    const type = assertType(request.outlierType ?? outlierType)
    const wanted = request.returnIsOutlier ?? (compat ? true : threshold !== null)
    const cut = threshold
    if (wanted && cut === null)
      throw new OodError('E_NOT_FITTED', `${name} isOutlier: expected a threshold (inferThreshold), got none`)
    if (wanted && type !== outlierType)
      throw mismatch('E_ARGUMENT', `${name} outlierType`, `${outlierType}, what the threshold was inferred for`, type)
    if (request.returnFeatureScore && !found.feature && found.instance.length > 0) throw noFeatures(name)
    const isOutlier = wanted ? Uint8Array.from(chosen(name, found, type), (value) => (value > cut! ? 1 : 0)) : null
    return {
      meta: { name, online: false, dataType: spec.dataType ?? null, version: VERSION, detectorType: 'outlier' },
      data: {
        instanceScore: request.returnInstanceScore === false ? null : found.instance,
        featureScore: request.returnFeatureScore === false ? null : found.feature,
        isOutlier,
        pValue: pValues(found.instance),
        threshold: cut,
      },
    }
  }
  return {
    name,
    get threshold() {
      return threshold
    },
    get outlierType() {
      return outlierType
    },
    get calibrationScores() {
      return calibration ? calibration.slice() : null
    },
    get data() {
      return structuredClone(profile)
    },
    async score(x, call) {
      return (await scores(x, 'none', call)).instance
    },
    async scores(x, { feature = 'optional', ...call } = {}) {
      return await scores(x, feature, call)
    },
    async calibrate(x, call) {
      const { instance } = await fitting(x, 'none', call)
      profile = learnProfile(x, profile)
      calibration = ascending(instance)
      calibrated = true
    },
    reset() {
      threshold = null
      calibration = null
      calibrated = false
    },
    assertData,
    pValues,
    async inferThreshold(x, target, call) {
      const rule = typeof target === 'number' ? {} : target
      const found = await fitting(x, targetType(rule) === 'feature' ? 'required' : 'none', call)
      const value = inferThresholdFromScores(found, target)
      profile = learnProfile(x, profile)
      return value
    },
    inferThresholdFromScores,
    async predict(x, options = {}) {
      const { outlierType: type, returnInstanceScore: _, returnFeatureScore, returnIsOutlier, ...call } = options
      const cuts = (returnIsOutlier ?? threshold !== null) && assertType(type ?? outlierType) === 'feature'
      const feature = cuts || returnFeatureScore ? 'required' : returnFeatureScore === false ? 'none' : 'optional'
      return predictFromScores(await scores(x, feature, call), options)
    },
    predictFromScores,
    decision: () => ({
      threshold,
      outlierType,
      calibration: calibration ? packScores(calibration) : null,
      calibrated,
      data: structuredClone(profile),
    }),
  }
}

/** The scores that a threshold of this type cuts, flat. */
function chosen(name: string, found: OutlierScores, type: OutlierType): Float64Array {
  if (type === 'instance') return found.instance
  if (found.instance.length === 0) return new Float64Array(0)
  if (!found.feature) throw noFeatures(name)
  return flatData(found.feature)
}

function noFeatures(name: string): OodError {
  return new OodError(
    'E_UNSUPPORTED',
    `${name} feature scores: expected a detector that has them, got instance scores only`,
  )
}

function assertType(type: OutlierType): OutlierType {
  if (type !== 'instance' && type !== 'feature')
    throw mismatch('E_ARGUMENT', 'outlierType', 'instance or feature', type)
  return type
}

function assertPercentile(percentile: number): number {
  if (!(percentile >= 0 && percentile <= 100))
    throw mismatch('E_ARGUMENT', 'percentile', 'a number in [0, 100]', percentile)
  return percentile
}

/** Checks a target's form before any score is computed. */
function targetType(target: {
  percentile?: number
  falsePositiveRate?: number
  outlierType?: OutlierType
}): OutlierType {
  if (target.percentile !== undefined && target.falsePositiveRate !== undefined)
    throw mismatch('E_ARGUMENT', 'threshold target', 'percentile or falsePositiveRate', 'both')
  if (target.percentile !== undefined) assertPercentile(target.percentile)
  return assertType(target.outlierType ?? 'instance')
}
