// Public face of @ood/models-flow.
export type {
  DecodeOptions,
  Flow,
  FlowCallOptions,
  FlowDecoder,
  FlowTerms,
  InvertibilityReport,
  LogProbOptions,
  SampleOptions,
  Space,
} from './flow.ts'
export {
  type CouplingCallOptions,
  type CouplingInfo,
  type CouplingMaps,
  type Couplings,
  couplings,
  openCouplings,
} from './inside/couplings.ts'
export type { CouplingForm, CouplingValues } from './inside/find-couplings.ts'
export {
  type LatentImages,
  type LatentLayout,
  type LatentScale,
  latentImages,
  latentLayout,
  meanLatents,
} from './inside/latent-images.ts'
export type { CouplingLayer, FlowLayer } from './inside/layers.ts'
export { type FlowOptions, openFlow } from './open-flow.ts'
