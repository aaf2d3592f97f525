// Public face of @ood/lid.
export { type CurveBand, curveBand, defaultScales, lidCurve, linspace } from './curve.ts'
export { type DualCuts, dualThreshold } from './detector/dual-threshold.ts'
export { upgradeStored } from './detector/legacy.ts'
export {
  artifactOf,
  type LikelihoodLidFit,
  type LikelihoodLidOptions,
  likelihoodLid,
} from './detector/likelihood-lid.ts'
export {
  fitPairs,
  type PairFit,
  type PairRule,
  type PairRuleName,
  pairMethod,
  scorePairs,
  trainingPairScores,
} from './detector/pair-rules.ts'
export type { LogProbLid } from './detector/pairs.ts'
export type { DensitySettings } from './detector/rules/density.ts'
export type { LocalMassSettings } from './detector/rules/local-mass.ts'
export type { RuleParameters } from './detector/rules/pair-rule.ts'
export { type CfdmOptions, cfdm } from './diffusion/cfdm.ts'
export { concatCurves, readCurves, type ScaleCurves, sliceCurves } from './diffusion/curves.ts'
export { deltasAround, lidlDeltas } from './diffusion/deltas.ts'
export type { TraceSettings } from './diffusion/divergence.ts'
export {
  defaultFlipdScales,
  type Flipd,
  type FlipdCall,
  type FlipdOptions,
  type FlipdValues,
  flipd,
} from './diffusion/flipd.ts'
export { type FpRegress, type FpRegressOptions, fpRegress } from './diffusion/fp-regress.ts'
export { type DiffusionKneeOptions, diffusionKneeScale, type Knees, kneeLid } from './diffusion/knee.ts'
export { type Lidl, type LidlMember, type LidlOptions, lidlEnsemble, lidlSlopes } from './diffusion/lidl.ts'
export type { NoiseLevel } from './diffusion/noise-level.ts'
export {
  type NormalBundle,
  type NormalBundleCall,
  type NormalBundleOptions,
  normalBundle,
  normalBundleDimension,
  normalBundleGap,
  type SingularValues,
} from './diffusion/normal-bundle.ts'
export { scaleFreeLid } from './diffusion/scale-free.ts'
export { type ScoreNormOptions, scoreNorm } from './diffusion/score-norm.ts'
export {
  artifactRows,
  concatArtifacts,
  type FlowArtifact,
  packArtifact,
  sliceArtifact,
  unpackArtifact,
} from './flow/artifact.ts'
export { fastFlowLidl, lidlDimension, logConvolution } from './flow/fast-flow-lidl.ts'
export { type FlowArtifactOptions, flowLidArtifact } from './flow/prepare.ts'
export { meanLogThin } from './flow/thin-directions.ts'
export { gapDimension, thresholdDimension, thresholdLid } from './flow/threshold-lid.ts'
export { type ConcordanceOptions, concordanceIndex, type MetricOptions, mae, mse, relativeBias } from './metrics.ts'
export { type AbidOptions, abid, abidRule } from './model-free/abid.ts'
export { type Combination, combineDimensions, smoothDimensions } from './model-free/aggregate.ts'
export {
  type CorrIntOptions,
  type CorrIntScales,
  type CorrIntScalesOptions,
  type CorrIntSetOptions,
  corrInt,
  corrIntRule,
  corrIntScales,
} from './model-free/corr-int.ts'
export { type DancoOptions, danco, dancoRule } from './model-free/danco.ts'
export { distanceMatrix } from './model-free/distance-matrix.ts'
export { type EssOptions, ess, essDimension, essReference, essRule } from './model-free/ess.ts'
export { findNeighbours, firstNeighbours } from './model-free/find-neighbours.ts'
export {
  type FisherOptions,
  type FisherProfile,
  fisherDimension,
  fisherProfile,
  fisherRule,
  fisherS,
  fisherSGlobal,
} from './model-free/fisher.ts'
export { type FisherPoints, type FisherPointsOptions, fisherPoints } from './model-free/fisher-points.ts'
export {
  type GrideEstimate,
  type GrideOptions,
  gride,
  grideDimension,
  grideRule,
} from './model-free/gride.ts'
export { type KnnGraphOptions, knnGraph, knnGraphDimension, knnGraphRule } from './model-free/knn-graph.ts'
export { lpca, lpcaGlobal, lpcaRule } from './model-free/lpca.ts'
export { type LpcaRuleOptions, type LpcaVersion, lpcaDimension } from './model-free/lpca-dimension.ts'
export { mada, madaDimension, madaRule } from './model-free/mada.ts'
export { type MindOptions, mindDimension, mindMl, mindRule } from './model-free/mind.ts'
export { minkaDimension } from './model-free/minka.ts'
export {
  combineMle,
  type MleCombination,
  type MleOptions,
  mle,
  mleDimension,
  mleRule,
  type PooledMleOptions,
  pooledMle,
} from './model-free/mle.ts'
export { mom, momDimension, momRule } from './model-free/mom.ts'
export type { GlobalOptions, NeighbourTable, SearchOptions } from './model-free/neighbour-table.ts'
export type { DimensionRule, Neighbourhood, RuleSpec } from './model-free/neighbourhood.ts'
export {
  globalDimension,
  modelFreeLid,
  type PointwiseDimensions,
  type PointwiseOptions,
  pointwiseDimensions,
} from './model-free/pointwise.ts'
export { type TleOptions, tle, tleRule } from './model-free/tle.ts'
export { type TwoNnOptions, twoNn, twoNnDimension, twoNnRule } from './model-free/two-nn.ts'
export { type BisectOptions, bisectScale } from './scale/bisect.ts'
export { type CouplingOptions, couplingScale } from './scale/coupling.ts'
export { fixedScale } from './scale/fixed.ts'
export { gridScale } from './scale/grid.ts'
export { type KneeOptions, kneeScale } from './scale/knee.ts'
export { type PlateauOptions, plateauScale } from './scale/plateau.ts'
export { type ScaleRuleName, scaleRule, scaleRules } from './scale/rules.ts'
export { type ScalingRegionOptions, scalingRegionScale } from './scale/scaling-region.ts'
export type { ScaleChoice, TrainingCurve } from './scale/training-curve.ts'
export { type ScaleRule, type TrainingLid, trainingLid } from './scale/training-lid.ts'
