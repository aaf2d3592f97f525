// float32 inputs and outputs around a float64 graph: one cast each.
import { int } from '../attributes.ts'
import type { Names } from '../fresh-name.ts'
import { renameInputs } from '../lower/body.ts'
import type { Graph, Node, Tensor } from '../types.ts'

/** The graph with the ports of `original`, cast where they were float32. */
export function narrowPorts(graph: Graph, original: Graph, names: Names): Graph {
  const inner = new Map<string, string>()
  const fresh = (name: string): string => {
    let candidate = `${name}_float64`
    while (names.taken.has(candidate)) candidate += '_'
    names.taken.add(candidate)
    inner.set(name, candidate)
    return candidate
  }
  const cast = (from: string, to: string, type: number): Node => {
    return {
      opType: 'Cast',
      domain: '',
      name: `${to}_cast`,
      inputs: [from],
      outputs: [to],
      attributes: { to: int(type) },
    }
  }
  const single = (ports: Graph['inputs']): string[] => ports.filter((p) => p.type === 'float32').map((p) => p.name)
  const before = single(original.inputs).map((name) => cast(name, fresh(name), 11))
  const outputs = single(original.outputs)
  for (const name of outputs) if (!inner.has(name)) fresh(name)
  const after = outputs.map((name) => ({ name, node: cast(inner.get(name)!, name, 1) }))
  const rename = (name: string): string => inner.get(name) ?? name
  const isInput = new Set(original.inputs.map((p) => p.name))
  return {
    ...graph,
    inputs: original.inputs,
    outputs: original.outputs,
    nodes: [
      ...before,
      ...graph.nodes.map((node) => ({ ...renameInputs(node, rename), outputs: node.outputs.map(rename) })),
      // An input that is an output as well needs no second cast.
      ...after.filter(({ name }) => !isInput.has(name)).map(({ node }) => node),
    ],
    initializers: new Map([...graph.initializers].map(([name, tensor]): [string, Tensor] => [rename(name), tensor])),
    valueInfo: new Map(),
  }
}
