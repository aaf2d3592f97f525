// Public face of @ood/onnx.
export { attribute, describe, float, int, ints, tensorAttribute, text } from './attributes.ts'
export { type BindOptions, bindSizes, type Sizes } from './bind-sizes.ts'
export { type GraphBuilder, graphBuilder } from './builder.ts'
export type { Pieces } from './encode.ts'
export type { ExternalData } from './external.ts'
export { float64Forms } from './float64/table.ts'
export { type Float64Options, toFloat64 } from './float64/to-float64.ts'
export type { Info } from './infer/shape-rule.ts'
export { inspect, type ModelSummary } from './inspect.ts'
export { type JacobianOptions, jacobian } from './jvp/jacobian.ts'
export { type JvpOptions, jvp } from './jvp/jvp.ts'
export { differentiableOperators, type QuantizationOptions } from './jvp/linearize.ts'
export { type DerivativeLimits, derivativeLimits } from './lower/without-derivative.ts'
export { type ReadOptions, readModel } from './read.ts'
export { type SimplifyOptions, simplify } from './simplify/simplify.ts'
export { tensorStrings } from './storage.ts'
export { type OperatorSummary, type Summary, summary } from './summary.ts'
export { constantTensor, plainNumbers, tensorNumbers, tensorOf } from './tensors.ts'
export type {
  Attribute,
  Dim,
  ElementType,
  Graph,
  LocalFunction,
  Model,
  Node,
  Tensor,
  TypedArray,
  ValueInfo,
} from './types.ts'
export { type VjpOptions, vjp } from './vjp/vjp.ts'
export { type WithOutputsOptions, withOutputs } from './with-outputs.ts'
export { type ExternalFiles, type WriteOptions, writeExternal, writeModel } from './write.ts'
