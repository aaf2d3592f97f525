// Public face of @ood/models-diffusion.
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
export { type DataMoments, type OdeLogProb, type OdeLogProbOptions, odeLogProb } from './likelihood/odeLogProb.ts'
export type { ReferenceRecipe } from './likelihood/referenceLogProb.ts'
export { type BetaSchedule, type DdpmOptions, type DiscreteProcess, ddpm } from './sde/ddpm.ts'
export { parseSde, type SdeSpec } from './sde/parse.ts'
export { type VeExponentialOptions, type VeOptions, ve, veExponential } from './sde/ve.ts'
export { subVp, type VpOptions, vp } from './sde/vp.ts'
export { jacobianTrace, scoreDivergence, type Tangents } from './trace/jacobianTrace.ts'
