// Public face of @ood/core.
export { assertCount } from './assert-count.ts'
export { canonicalJson } from './canonical-json.ts'
export { centralDifferences, type DifferenceOptions, differenceDensity, type ValueMap } from './central-differences.ts'
export type { ClassifierOutputs, FeatureClassifier, LinearHead } from './classifier.ts'
export { crc32 } from './crc32.ts'
export { mismatch, OodError, type OodErrorCode, unknownName } from './errors.ts'
export type {
  Detector,
  Differentiable,
  DiffusionProcess,
  Invertible,
  LidEstimator,
  LikelihoodModel,
  LogProb,
  Prediction,
  ScoreDivergence,
  ScoreModel,
  Thresholded,
  Times,
  TraceMethod,
  TraceOptions,
  TridiagonalMetric,
} from './interfaces.ts'
export { jacobian } from './jacobian.ts'
export type { DensityModel, LogDensity } from './log-density.ts'
export type { MatmulBackend } from './matmul.ts'
export { isNestedDeeper } from './nesting.ts'
export { nodeModule } from './node-module.ts'
export { type Once, once } from './once.ts'
export { assertOptions, CALL_OPTIONS } from './options.ts'
export { type CallOptions, forEachBatch, type Progress, throwIfAborted } from './progress.ts'
export { normals, permutation, type Random, random, uniforms } from './random.ts'
export { ascending, logGamma, mean, median, quantile, standardDeviation, variance } from './statistics.ts'
export { assertFiniteRows, type Sweep, sweep } from './sweep.ts'
export {
  assertBatch,
  assertFinite,
  assertRows,
  concatRows,
  type FloatArray,
  flatData,
  type NdArray,
  rowCount,
  rowSize,
  sliceRows,
  takeRows,
  tensor,
} from './tensor.ts'
export {
  jacobianTrace,
  planOf,
  scoreDivergence,
  type Tangents,
  type TraceCallOptions,
  tracePlan,
} from './trace/jacobian-trace.ts'
export { timesOf } from './trace/times.ts'
export { type TracePlan, type Traces, traceRows } from './trace/trace-rows.ts'
export { assertUnits, type DataUnits } from './units.ts'
