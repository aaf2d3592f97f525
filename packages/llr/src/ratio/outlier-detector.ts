// The part every detector shares: calibration scores, a threshold, p-values, predictions, and refusing other data.
import { type CallOptions, flatData, mismatch, type NdArray, OodError, type Prediction, rowCount } from '@ood/core'
import { assertProfile, givenProfile, learnProfile } from './data-profile.ts'
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
import type {
  FeatureRequest,
  OutlierDetector,
  OutlierDetectorSpec,
  OutlierType,
  PredictionRequest,
  ThresholdTarget,
} from './outlier-types.ts'
import type { OutlierScores } from './ratio-scores.ts'

export type {
  DetectorOptions,
  FeatureRequest,
  OutlierDetector,
  OutlierDetectorSpec,
  OutlierType,
  PredictionRequest,
  ThresholdTarget,
} from './outlier-types.ts'

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
