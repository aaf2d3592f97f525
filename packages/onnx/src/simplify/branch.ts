// The branch of an If whose condition is known, as nodes of the graph around it.
import { renameInputs } from '../lower/body.ts'
import { count, plainNumbers } from '../tensors.ts'
import type { Graph, Node, Tensor } from '../types.ts'

/** How often each name stands for a value of its own anywhere in a model. */
export type Names = Map<string, number>

/** The names of a graph and of all graphs within it. */
export function namesOf(graph: Graph, names: Names = new Map()): Names {
  const claim = (name: string): void => void names.set(name, (names.get(name) ?? 0) + 1)
  for (const { name } of graph.inputs) claim(name)
  for (const name of graph.initializers.keys()) claim(name)
  for (const node of graph.nodes) {
    for (const name of node.outputs) if (name !== '') claim(name)
    for (const a of Object.values(node.attributes)) if (a.kind === 'graph') namesOf(a.value, names)
  }
  return names
}

/** A branch in the place of its If. */
interface TakenBranch {
  readonly nodes: readonly Node[]
  readonly initializers: ReadonlyMap<string, Tensor>
}

/**
 * What an If of a constant condition computes: its branch under names that are free outside, and a copy to each output.
 * Undefined for other nodes and conditions.
 */
export function takenBranch(
  node: Node,
  constant: (name: string) => Tensor | undefined,
  names: Names,
): TakenBranch | undefined {
  const condition = node.opType === 'If' && node.domain === '' ? constant(node.inputs[0]!) : undefined
  if (!condition || count(condition.shape) !== 1) return undefined
  const branch = node.attributes[plainNumbers(condition)[0] === 0 ? 'else_branch' : 'then_branch']
  if (branch?.kind !== 'graph') return undefined
  const graph = branch.value
  const own = new Map<string, string>()
  const outside = (name: string): string => {
    const free = names.get(name) === 1 ? name : fresh(name, names)
    own.set(name, free)
    return free
  }
  const initializers = new Map([...graph.initializers].map(([name, tensor]) => [outside(name), tensor]))
  for (const inner of graph.nodes) for (const name of inner.outputs) if (name !== '') outside(name)
  const to = (name: string): string => own.get(name) ?? name
  const nodes = graph.nodes.map((inner) => ({
    ...renameInputs(inner, to),
    outputs: inner.outputs.map((name) => (name === '' ? '' : to(name))),
  }))
  const copies = node.outputs.flatMap((name, i): Node[] => {
    if (name === '') return []
    const inputs = [to(graph.outputs[i]!.name)]
    return [{ opType: 'Identity', domain: '', name, inputs, outputs: [name], attributes: {} }]
  })
  return { nodes: [...nodes, ...copies], initializers }
}

function fresh(stem: string, names: Names): string {
  for (let serial = 1; ; serial++) {
    const name = `${stem}_${serial}`
    if (names.has(name)) continue
    names.set(name, 1)
    return name
  }
}
