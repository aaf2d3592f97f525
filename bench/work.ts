// Arithmetic of a graph: the multiply-accumulates of its matrix operators for one row.
import { type Dim, graphBuilder, type Model } from '@ood/onnx'

/**
 * Multiply-accumulates of Conv, Gemm and MatMul with every symbolic axis at 1. Elementwise operators and what the
 * engine computes once when it loads the graph are not told apart: the former are left out, the latter counted.
 */
export function multiplications(model: Model): number {
  const builder = graphBuilder({ from: model })
  const sizes = (value: string): number[] =>
    (model.graph.initializers.get(value)?.shape ?? builder.info(value).shape ?? []).map((n: Dim) => Number(n) || 1)
  let total = 0
  for (const { opType, inputs, outputs } of model.graph.nodes) {
    if (opType === 'Conv') total += product(sizes(outputs[0]!)) * product(sizes(inputs[1]!).slice(1))
    if (opType === 'Gemm' || opType === 'MatMul') total += product(sizes(outputs[0]!)) * sizes(inputs[0]!).at(-1)!
  }
  return total
}

function product(values: readonly number[]): number {
  return values.reduce((a, b) => a * b, 1)
}
