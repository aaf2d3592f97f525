// What an outlier detector is: its settings, the requests it takes and its methods.
import type { CallOptions, NdArray, Prediction, Thresholded } from '@ood/core'
import type { DataProfile } from './data-profile.ts'
import type { DecisionState } from './decision-state.ts'
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

/** Names of the options every detector takes, for `assertOptions`. */
export const DETECTOR_OPTIONS: readonly string[] = [
  'threshold',
  'outlierType',
  'dataType',
  'dataShape',
  'valueRange',
  'compat',
]

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
