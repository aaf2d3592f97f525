// float32 models as float64 models, for runtimes that have few float64 kernels.

import { mismatch } from '@ood/core'
import { atModel } from '../at-node.ts'
import { PREVIEW } from '../lower/flex-attention.ts'
import { lower } from '../lower/lower.ts'
import { prune } from '../prune.ts'
import type { Graph, Model } from '../types.ts'
import { checkPassOpset } from '../versions.ts'
import { keepBase, withGraph } from '../write.ts'
import { wideNode, wideTensor, writeNode } from './convert-node.ts'
import type { Converter } from './converter.ts'
import { narrowPorts } from './ports.ts'
import { type Scope, scope } from './scope.ts'
import { widened } from './types.ts'

/** How a model is brought to float64. */
export interface Float64Options {
  /** Element type of inputs and outputs that were float32 (default float64); float32 ports are cast at the boundary. */
  readonly ports?: 'float64' | 'float32' | undefined
  /**
   * What becomes of operators that have no float64 kernel and no other form: an error (default), or computed in float32
   * between casts.
   */
  readonly fallback?: 'error' | 'float32' | undefined
}

/**
 * The same model in double precision: every float32 weight, port, attribute and cast becomes float64 (weights exactly),
 * and operators that onnxruntime's CPU provider has no float64 kernel for are written in others that have one - a
 * convolution as slices and a matrix product, erf as polynomials, and so on; `float64Forms` lists them. The result loads
 * in any runtime that has the plain operators in float64.
 *
 * Values agree with the float32 model to its own rounding, and each form with the exact function to a few units in the
 * last place. Float attributes become the shortest decimal number with the same float32 (a slope of 0.01, not
 * 0.009999999776) where the operator is rewritten.
 *
 * Works with derivatives in either order, but convert first: `jvp(toFloat64(model))` writes its constants (1/3, the
 * density in a Gelu's slope) in float64; in `toFloat64(jvp(model))` they were rounded to float32 and are off by 6e-8,
 * though the Jacobian's zeros and its rank are as exact.
 *
 * Cost: building takes milliseconds and copies weights once, at twice their size. Running: products take twice the
 * time; 3 x 3 convolutions about four times, and their slices nine times the input's memory.
 *
 * @throws OodError `E_UNSUPPORTED` naming operator and node for operators without float64 form, for sizes a form needs
 *   that are only known at run time, and for operator sets beyond the newest known; `E_ARGUMENT` for bad options
 * @example
 * const exact = jvp(toFloat64(readModel(bytes)), { wrt: ['z'] })
 * // z: float64 [N, 784], z_tangent: float64 [K, N, 784] -> the Jacobian with a rank that can be counted to 1e-13
 */
export function toFloat64(model: Model, options: Float64Options = {}): Model {
  return atModel('toFloat64', () => rewrittenOf(model, options))
}

function rewrittenOf(model: Model, options: Float64Options): Model {
  const { ports = 'float64', fallback = 'error' } = options
  if (ports !== 'float64' && ports !== 'float32')
    throw mismatch('E_ARGUMENT', 'toFloat64 ports', 'float64 or float32', ports)
  if (fallback !== 'error' && fallback !== 'float32')
    throw mismatch('E_ARGUMENT', 'toFloat64 fallback', 'error or float32', fallback)
  // Local functions are inlined and old operator sets brought to 18: the forms are written for that and later ones.
  const opset = model.opsets[''] ?? 0 // lowering gives a model of other domains a standard set
  const calls = model.functions.length > 0 || model.graph.nodes.some((node) => node.domain === PREVIEW)
  const plain = calls || opset < 18 ? { ...lower('toFloat64', model, []), functions: [] } : model
  const converter: Converter = {
    opset: checkPassOpset('toFloat64', plain.opsets),
    names: { taken: new Set(allNames(plain.graph)), serial: 0 },
    fallback,
  }
  const graph = prune(convertGraph(plain.graph, undefined, converter))
  return withGraph(plain, ports === 'float32' ? narrowPorts(graph, plain.graph, converter.names) : graph)
}

function convertGraph(graph: Graph, outer: Scope | undefined, c: Converter): Graph {
  const recorded = new Map([...graph.valueInfo.values(), ...graph.outputs].map((v) => [v.name, widened(v)]))
  const self = scope(c.opset, c.names, outer, recorded, (node, s) => writeNode(node, s, c))
  for (const [name, tensor] of graph.initializers) self.hold(name, wideTensor(tensor))
  const inputs = graph.inputs.map(widened)
  for (const { name, type, shape } of inputs) self.declare(name, { type, shape })
  for (const node of graph.nodes) {
    const convert = (inner: Graph): Graph => convertGraph(inner, self, c)
    writeNode(wideNode(node, convert), self, c)
  }
  const converted: Graph = {
    name: graph.name,
    inputs,
    outputs: graph.outputs.map(widened),
    ...self.finish(),
    valueInfo: new Map([...graph.valueInfo].map(([name, info]) => [name, widened(info)])),
  }
  keepBase(converted, graph)
  return converted
}

function allNames(graph: Graph): string[] {
  const inner = graph.nodes.flatMap((node) =>
    Object.values(node.attributes).flatMap((a) => (a.kind === 'graph' ? allNames(a.value) : [])),
  )
  const outputs = graph.nodes.flatMap((node) => [node.name, ...node.outputs])
  return [...graph.initializers.keys(), ...graph.inputs.map((v) => v.name), ...outputs, ...inner]
}
