// Finds the affine couplings of an encoder's graph: by the names that exporters give, else by what they compute.
import type { Model, Node } from '@ood/onnx'

/** How a coupling uses its maps. */
export type CouplingForm =
  /** y = (x + t) exp(s): RealNVP of Kirichenko et al. */
  | 'shift-scale'
  /** y = x exp(s) + t: RealNVP of Dinh et al., Glow, and `ood_training.flows`. */
  | 'scale-shift'

/** Values of the graph that hold the maps of one coupling. */
export interface CouplingValues {
  readonly s: string
  readonly t: string
  /** What leaves the coupling, where it has a name. */
  readonly y?: string
  readonly form: CouplingForm
}

/** The couplings in order of computation. */
export function findCouplings(model: Model): CouplingValues[] {
  const named = byName(model)
  return named.length > 0 ? named : byStructure(model)
}

/** `coupling.K.s`, `coupling.K.t` and `coupling.K.y` for K = 0, 1 ... */
function byName({ graph }: Model): CouplingValues[] {
  const values = new Set(graph.nodes.flatMap((node) => node.outputs))
  const found: CouplingValues[] = []
  for (let k = 0; values.has(`coupling.${k}.s`) && values.has(`coupling.${k}.t`); k++) {
    const y = `coupling.${k}.y`
    found.push({
      s: `coupling.${k}.s`,
      t: `coupling.${k}.t`,
      ...(values.has(y) ? { y } : {}),
      form: 'shift-scale',
    })
  }
  return found
}

/**
 * A coupling is a product whose factor's logarithm is summed up for the log-determinant: `Mul(Add(x, t), Exp(s))` or
 * `Add(Mul(x, Exp(s)), t)` with `ReduceSum(s)`, or `Add(Mul(x, a), t)` with `ReduceSum(Log(a))`, in which s is the value
 * of the logarithm.
 */
function byStructure({ graph }: Model): CouplingValues[] {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  const readers = new Map<string, Node[]>()
  for (const node of graph.nodes)
    for (const name of node.inputs) {
      const list = readers.get(name)
      if (list) list.push(node)
      else readers.set(name, [node])
    }
  const isConstant = (name: string): boolean => graph.initializers.has(name) || makers.get(name)?.opType === 'Constant'
  const read = (name: string, opType: string): Node[] =>
    (readers.get(name) ?? []).filter((node) => node.opType === opType)
  const other = (node: Node, name: string): string => node.inputs.find((input) => input !== name) ?? name
  /** The data inputs of a sum, or its only one through a flattening reshape. */
  const isSummed = (name: string): boolean =>
    read(name, 'ReduceSum').length > 0 ||
    read(name, 'Reshape').some(({ outputs }) => read(outputs[0]!, 'ReduceSum').length > 0)

  const found: CouplingValues[] = []
  for (const node of graph.nodes) {
    // a = exp(s), or a with s = log(a).
    const scale = node.opType === 'Exp' ? node.outputs[0]! : node.opType === 'Log' ? node.inputs[0]! : undefined
    const s = node.opType === 'Exp' ? node.inputs[0]! : node.outputs[0]!
    if (scale === undefined || !isSummed(s)) continue
    for (const product of read(scale, 'Mul')) {
      const moved = other(product, scale)
      if (isConstant(moved)) continue
      const shiftBefore = makers.get(moved)
      const after = read(product.outputs[0]!, 'Add').find((sum) => !isConstant(other(sum, product.outputs[0]!)))
      if (after && !(shiftBefore?.opType === 'Add' && node.opType === 'Exp')) {
        found.push({ s, t: other(after, product.outputs[0]!), form: 'scale-shift' })
        break
      }
      if (shiftBefore?.opType === 'Add' && !shiftBefore.inputs.some(isConstant)) {
        // x comes from the row, t from the network: the network's end is nearer to s.
        found.push({ s, t: shiftOf(shiftBefore, s, makers), form: 'shift-scale' })
        break
      }
    }
  }
  return found
}

/** Of the two terms of x + t, the one that shares its maker with s a few nodes back. */
function shiftOf(sum: Node, s: string, makers: ReadonlyMap<string, Node>): string {
  const ancestors = (name: string, depth: number): Set<string> => {
    const seen = new Set<string>([name])
    let edge = [name]
    for (let step = 0; step < depth; step++) {
      edge = edge.flatMap((value) => [...(makers.get(value)?.inputs ?? [])]).filter((value) => !seen.has(value))
      for (const value of edge) seen.add(value)
    }
    return seen
  }
  const near = ancestors(s, 6)
  const shared = sum.inputs.map((name) => [...ancestors(name, 3)].filter((value) => near.has(value)).length)
  return sum.inputs[shared[1]! >= shared[0]! ? 1 : 0]!
}
