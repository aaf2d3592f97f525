// Public face of @ood/onnx.
export { attribute, describe, float, int, ints, tensorAttribute, text } from './attributes.ts'
export { type GraphBuilder, graphBuilder } from './builder.ts'
export type { Info } from './infer/rule.ts'
export { inspect, type ModelSummary } from './inspect.ts'
export { readModel } from './read.ts'
export { constantTensor, plainNumbers, tensorOf } from './tensors.ts'
export type { Attribute, Dim, ElementType, Graph, Model, Node, Tensor, TypedArray, ValueInfo } from './types.ts'
export { writeModel } from './write.ts'
