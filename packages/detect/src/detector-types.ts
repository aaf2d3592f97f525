// What a detector is: its options, the requests it takes and its methods.
import type { CallOptions, NdArray, Prediction, Detector as Scorer } from '@ood/core'
import type { Calibration, ThresholdTarget } from './calibration.ts'
import type { Columns } from './columns.ts'
import type { DataProfile } from './data-profile.ts'
import type { Described } from './described.ts'
import type { MeasureOptions } from './measurement.ts'
import type { Explanation, Method } from './method.ts'
import type { StoredDetector } from './stored.ts'

/** Which scores a threshold cuts: one a row, or one a feature. */
export type OutlierType = 'instance' | 'feature'

/** Where a detector's threshold is put; a bare number is a false positive rate. See `ThresholdTarget`. */
export type DetectorTarget = ThresholdTarget | (Exclude<ThresholdTarget, number> & { outlierType?: OutlierType })

/** Columns that are measured already, in place of rows. */
export interface Measured {
  columns: Columns
}

/** Options of `detector`. */
export interface DetectorOptions {
  /** A threshold known beforehand. */
  threshold?: number | undefined
  /** Which scores that threshold cuts (default `instance`). */
  outlierType?: OutlierType | undefined
  /** Free text for the metadata of predictions: `image`, `tabular`, `time-series` ... */
  dataType?: string | undefined
  /** Shape and range of the data, as `describedBy(models)` gives them; learnt from the first data otherwise. */
  data?: (Omit<Described, 'valueRange'> & { valueRange?: Described['valueRange'] | 'any' }) | undefined
  /**
   * `reference`: p-values (1 + #{reference > score}) / n, which can exceed 1, and `predict` without a threshold is an
   * error, as in the reference library.
   */
  compat?: 'reference' | undefined
}

/** What a prediction holds; what is not asked for is null. */
export interface PredictionRequest {
  /** Which scores `isOutlier` cuts (default: those the threshold was inferred for). */
  outlierType?: OutlierType | undefined
  /** Default true. */
  returnInstanceScore?: boolean | undefined
  /** Default: where there are any. `true` is an error where there are none. */
  returnFeatureScore?: boolean | undefined
  /** Default: once there is a threshold. `true` is an error without one. */
  returnIsOutlier?: boolean | undefined
}

/** A method with what it has learnt: what users hold. Every call takes rows, or columns measured before. */
export interface OodDetector<Fit = unknown, Input = NdArray> extends Scorer<Input | Measured> {
  readonly name: string
  readonly method: Method<Fit, Input>
  /** What the method learnt; undefined before `fit`. */
  readonly learnt: Fit | undefined
  /** The threshold, or null before there is one. */
  readonly threshold: number | null
  readonly outlierType: OutlierType
  /** Reference scores of p-values; null before there are any. */
  readonly calibration: Calibration | null
  readonly data: Readonly<DataProfile>

  /** Measures training rows and fits the method; their scores are the reference until held-out rows replace them. */
  fit(train: Input | Measured, options?: MeasureOptions): Promise<void>
  /** Takes in-distribution rows that were not in `fit` as the reference of p-values, which are then exact. */
  calibrate(heldOut: Input | Measured, options?: MeasureOptions): Promise<void>
  /** Sets the threshold. With a false positive rate, the rows also become the reference unless `calibrate` gave others. */
  inferThreshold(heldOut: Input | Measured, target: DetectorTarget, options?: MeasureOptions): Promise<number>
  /** The columns that scoring needs. */
  measure(x: Input, options?: MeasureOptions): Promise<Columns>
  score(x: Input | Measured, options?: CallOptions): Promise<Float64Array>
  featureScore(x: Input | Measured, options?: MeasureOptions): Promise<NdArray<Float64Array> | null>
  predict(x: Input | Measured, options?: MeasureOptions & PredictionRequest): Promise<Prediction>
  /** What each part adds to the score of each row. @throws OodError `E_UNSUPPORTED` where the method cannot say */
  explain(x: Input | Measured, options?: MeasureOptions): Promise<Explanation>
  /** p-values of scores; null without reference scores. */
  pValues(scores: ArrayLike<number>): Float64Array | null
  /** Throws unless `x` is data of the shape and range this detector is for. */
  assertData(x: Input): void
  toJSON(): StoredDetector
}
