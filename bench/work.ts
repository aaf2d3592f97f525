// Arithmetic a flow's graph cannot avoid: multiply-accumulates of its matrix operators, per image and per direction.
import { graphBuilder, type Model, plainNumbers } from '@ood/onnx'

/** Multiply-accumulates of Conv and Gemm for one row. Elementwise operators are not counted. */
export function multiplications(model: Model): number {
  return sum(nodeWork(model).values())
}

/**
 * Multiply-accumulates of the D forward-mode products that make a decoder's Jacobian, when a direction is carried only
 * by operators that its latent reaches: each latent block enters a multiscale decoder at its own level.
 */
export function jacobianMultiplications(model: Model, input: string, d: number): number {
  const work = nodeWork(model)
  const constants = model.graph.initializers
  const slices = model.graph.nodes.filter((node) => node.inputs[0] === input && node.opType === 'Slice')
  const blocks = slices.map((node) => {
    const [from, to] = node.inputs.slice(1, 3).map((name) => plainNumbers(constants.get(name)!)[0]!)
    return { value: node.outputs[0]!, size: Math.min(to!, d) - from! }
  })
  if (sum(blocks.map(({ size }) => size)) !== d) return d * sum(work.values())
  return sum(
    blocks.map(({ value, size }) => {
      const reached = new Set([value])
      let perDirection = 0
      model.graph.nodes.forEach((node, i) => {
        if (!node.inputs.some((name) => reached.has(name))) return
        for (const name of node.outputs) reached.add(name)
        perDirection += work.get(i) ?? 0
      })
      return size * perDirection
    }),
  )
}

/** Multiply-accumulates for one row by index of node. */
function nodeWork(model: Model): Map<number, number> {
  const builder = graphBuilder({ from: model })
  const work = new Map<number, number>()
  model.graph.nodes.forEach((node, i) => {
    if (node.opType !== 'Conv' && node.opType !== 'Gemm') return
    const weights = model.graph.initializers.get(node.inputs[1]!)
    if (!weights) return
    const output = builder.info(node.outputs[0]!).shape ?? []
    const places = node.opType === 'Conv' ? output.slice(2).map(Number) : []
    work.set(i, product(places) * product(weights.shape))
  })
  return work
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}

function product(values: readonly number[]): number {
  return values.reduce((a, b) => a * b, 1)
}
