// Public face of @ood/models-diffusion.
export { jacobianTrace, scoreDivergence, type Tangents } from '@ood/core'
export type { AnalyticScoreModel } from './analytic/mixture.ts'
export {
  type AffineManifold,
  type AnalyticOptions,
  affineManifoldScore,
  type GaussianComponent,
  gaussianMixtureScore,
  gaussianScore,
  pointMassScore,
} from './analytic/models.ts'
export type {
  Diffusion,
  DiffusionCallOptions,
  DiffusionLogProbOptions,
  DiffusionSampleOptions,
  Space,
} from './diffusion.ts'
export type { Conditions, NetworkDescription } from './internal/description.ts'
export type { Ports } from './internal/kernels.ts'
export type { PredictionType } from './internal/prediction.ts'
export type { OdeMethod } from './internal/tableaus.ts'
export { odeLogProb } from './likelihood/ode-log-prob.ts'
export type { DataMoments, OdeLogProb, OdeLogProbOptions, ReferenceRecipe } from './likelihood/options.ts'
export { type DiffusionOptions, openDiffusion } from './open-diffusion.ts'
export { addNoise, denoise } from './sample/denoise.ts'
export { encode } from './sample/encode.ts'
export type { DenoiseOptions, EncodeOptions, SampleOptions, SamplerMethod } from './sample/options.ts'
export { sample } from './sample/sample.ts'
export { type TimeGrid, type TimeGridOptions, timeGrid } from './sample/time-grid.ts'
export { type BetaSchedule, type DdpmOptions, type DiscreteProcess, ddpm } from './sde/ddpm.ts'
export { parseSde, type SdeSpec } from './sde/parse.ts'
export { type VeExponentialOptions, type VeOptions, ve, veExponential } from './sde/ve.ts'
export { subVp, type VpOptions, vp } from './sde/vp.ts'
