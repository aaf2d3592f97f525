// Public face of @ood/density.
export { type AscendOptions, type Ascent, ascend } from './ascend.ts'
export { type BallMasses, type BallMassOptions, ballMass } from './ball-mass.ts'
export { type ConvolutionOptions, type Convolved, gaussianConvolution } from './convolution.ts'
export { type DerivativeNormOptions, derivativeNorm } from './derivative-norm.ts'
export { type HessianOptions, type HessianSpectra, hessianSpectrum, spectrumSummary } from './hessian-spectrum.ts'
export { type LaplaceOptions, laplaceScores, type NegativeRule } from './laplace.ts'
export { latentBoxLogMass, latentNorms } from './latent-scores.ts'
export { drawInBall, lpBallLogVolume, lpNorm, type Norm } from './lp-ball.ts'
export { type MeanLogProb, type MeanLogProbOptions, meanLogProb } from './mean-log-prob.ts'
export {
  type BallMassSettings,
  ballMassMethod,
  convolutionMethod,
  type NestedBallSettings,
  nestedBallMethod,
} from './methods/ball-methods.ts'
export { derivativeNormMethod } from './methods/derivative-norm-method.ts'
export { laplaceMethod } from './methods/laplace-method.ts'
export { latentBoxMethod, latentNormMethod } from './methods/latent-methods.ts'
export { type MeanLikelihoodSettings, meanLikelihoodMethod } from './methods/mean-likelihood-method.ts'
export { type NestedBallMasses, type NestedBallOptions, nestedBallMass } from './nested-balls.ts'
