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
export { type FlowOptions, openFlow } from './open-flow.ts'
