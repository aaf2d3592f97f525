// A graph being written in float64: names, types and constants of its values, and of the graphs around it.

import type { GraphBuilder } from '../builder.ts'
import { freshName, type Names } from '../fresh-name.ts'
import { constantInfo, constantOf, inferNode } from '../infer/infer.ts'
import type { Info } from '../infer/shape-rule.ts'
import type { NodeWriter } from '../lower/rewriter.ts'
import { tensorOf } from '../tensors.ts'
import type { Node, Tensor, ValueInfo } from '../types.ts'

/** A graph under construction, within those around it. */
export interface Scope extends NodeWriter {
  /** Adds a node as it is. */
  append(node: Node): void
  /** Declares an input or other value made elsewhere. */
  declare(name: string, info: Info): void
  /** Declares a constant under its own name. */
  hold(name: string, tensor: Tensor): void
  /** Lets a value be known under the name the graph had for it. */
  bind(name: string, value: string): void
  fresh(stem: string): string
  find(name: string): Info | undefined
  /** What the file says about a value. */
  recorded(name: string): ValueInfo | undefined
  tensor(name: string): Tensor | undefined
  /** The node of this graph that makes a value. */
  producer(name: string): Node | undefined
  finish(): { nodes: Node[]; initializers: Map<string, Tensor> }
}

/**
 * Starts a graph.
 *
 * @param recorded - shapes the file gives, already with their new types
 * @param emit - what happens to nodes the writer writes: appended, or themselves replaced
 */
export function scope(
  opset: number,
  names: Names,
  outer: Scope | undefined,
  recorded: ReadonlyMap<string, ValueInfo>,
  emit: (node: Node, self: Scope) => void,
): Scope {
  const nodes: Node[] = []
  const initializers = new Map<string, Tensor>()
  const constants = new Map<string, Tensor>()
  const infos = new Map<string, Info>()
  const bound = new Map<string, string>()
  const written = new Set<string>()
  const producers = new Map<string, Node>()
  const made = new Map<string, string>()

  const fresh = (stem: string): string => freshName(names, `float64/${stem}`)
  const hold = (name: string, tensor: Tensor): string => {
    initializers.set(name, tensor)
    constants.set(name, tensor)
    infos.set(name, constantInfo(tensor))
    return name
  }
  const once = (key: string, make: () => string): string => {
    const found = made.get(key) ?? make()
    made.set(key, found)
    return found
  }
  const find = (name: string): Info | undefined => infos.get(name) ?? outer?.find(name)
  const tensor = (name: string): Tensor | undefined => {
    // A name declared here hides a constant of a graph around this one.
    return infos.has(name) ? constants.get(name) : outer?.tensor(name)
  }
  /** The name a value ends up with. */
  const final = (name: string): string => {
    let value = name
    for (let next = bound.get(value); next !== undefined; next = bound.get(value)) value = next
    return value
  }
  const ops: GraphBuilder['ops'] = (opType, inputs, attributes, n, domain = '') => {
    const outputs = Array.from({ length: n }, () => fresh(opType))
    emit({ opType, domain, name: outputs[0]!, inputs, outputs, attributes }, self)
    return outputs.map(final)
  }
  const self: Scope = {
    opset,
    constant: (name, value) => hold(fresh(name), value),
    int64: (values) => once(`list ${values}`, () => hold(fresh('ints'), tensorOf('int64', [values.length], values))),
    scalar: (type, value) =>
      once(`scalar ${type} ${Object.is(value, -0) ? '-0' : value}`, () =>
        hold(fresh('scalar'), tensorOf(type, [], [value])),
      ),
    op: (opType, inputs, attributes = {}) => ops(opType, inputs, attributes, 1)[0]!,
    ops,
    info: (value) => find(value) ?? { type: 'other', shape: undefined },
    constantTensor: tensor,
    fresh,
    producer: (name) => producers.get(final(name)) ?? producers.get(name),
    find,
    recorded: (name) => recorded.get(name),
    tensor,
    declare: (name, info) => void infos.set(name, info),
    hold: (name, value) => void hold(name, value),
    append(node) {
      const held = constantOf(node)
      if (held) constants.set(node.outputs[0]!, held)
      const found = held ? [constantInfo(held)] : inferNode(node, opset, find, tensor)
      nodes.push(node)
      node.outputs.forEach((name, i) => {
        if (name === '') return
        written.add(name)
        producers.set(name, node)
        infos.set(name, completed(found[i]!, recorded.get(name)))
      })
    },
    bind(name, value) {
      const info = completed(self.info(value), recorded.get(name))
      if (written.has(value) && value.startsWith('float64/') && !bound.has(value)) {
        bound.set(value, name)
        written.add(name)
        const producer = producers.get(value)
        if (producer) producers.set(name, producer)
        infos.set(name, info)
        return
      }
      const from = final(value)
      self.append({ opType: 'Identity', domain: '', name, inputs: [from], outputs: [name], attributes: {} })
      infos.set(name, info)
    },
    finish() {
      const renamed = (list: readonly string[]): string[] => list.map(final)
      return {
        nodes: nodes.map((node) =>
          [...node.inputs, ...node.outputs].some((name) => bound.has(name))
            ? { ...node, inputs: renamed(node.inputs), outputs: renamed(node.outputs) }
            : node,
        ),
        initializers,
      }
    },
  }
  return self
}

/** Own findings, completed by what the file says. */
function completed(own: Info, file: ValueInfo | undefined): Info {
  if (!file) return own
  return { ...own, type: own.type === 'other' ? file.type : own.type, shape: own.shape ?? file.shape }
}
