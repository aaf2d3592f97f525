// Rewrites what has no derivative rule of its own into operators that have: functions, control flow, composite operators.

import { mismatch } from '@ood/core'
import { atNode } from '../at-node.ts'
import { functionKey, functionTable } from '../functions.ts'
import { carriers } from '../jvp/rules/quantization.ts'
import { sources } from '../proto.ts'
import { prune, usedValues } from '../prune.ts'
import type { Model, Node } from '../types.ts'
import { OLDEST_OPSET } from '../versions.ts'
import { withGraph } from '../write.ts'
import { inlineFunction, renameInputs } from './body.ts'
import { bothBranches, takenBranch, unrollLoop, unrollScan } from './control.ts'
import { flexAttention, PREVIEW } from './flex-attention.ts'
import { mayVary, type Rewriter, rewriter } from './rewriter.ts'
import { sequences } from './sequences.ts'
import { lowerNode } from './table.ts'
import { upgrade, WRITTEN_OPSET } from './upgrade.ts'

/** IR version that operator set 18 came with. */
const IR_VERSION = 8

/**
 * The model with everything a derivative can reach written in operators that have derivative rules.
 *
 * Local functions are inlined; an `If` of a constant condition becomes its branch, another one both branches and a
 * `Where`; `Loop` and `Scan` of a known number of rounds are unrolled; sequences and optionals that are known element by
 * element disappear; recurrent layers, attention and other composite operators become products, sums and activations;
 * constants of integers are computed; operator sets 7 to 17 become 18. The values are the same up to rounding. What no
 * derivative reaches stays as it is, functions and older operator sets excepted.
 *
 * @param what - the transform this is for, named in errors
 * @param wrt - values that derivatives start from; they keep their names, as all values of the main graph do
 * @param of - values to differentiate (default: the outputs); what only others need stays as it is
 * @param options - `straightThrough`: quantized numbers may vary, too
 * @throws OodError `E_UNSUPPORTED` naming operator and node: loops without a known number of rounds or with too many,
 *   branches with results of different shapes, operator sets before 7
 */
export function lower(
  what: string,
  model: Model,
  wrt: readonly string[],
  of?: readonly string[],
  options: { readonly straightThrough?: boolean | undefined } = {},
): Model {
  // A model of other domains alone gets a standard one for what is written.
  const opset = model.opsets[''] ?? WRITTEN_OPSET
  if (opset < OLDEST_OPSET) throw mismatch('E_UNSUPPORTED', `${what} operator set`, `${OLDEST_OPSET} or newer`, opset)
  const target = Math.max(opset, WRITTEN_OPSET)
  const w: Rewriter = rewriter(
    model,
    target,
    wrt,
    (node) => emit(node, target),
    options.straightThrough
      ? (node, type) => mayVary(type) || (carriers.has(node.opType) && node.opType !== 'Cast')
      : undefined,
  )
  const functions = functionTable(model)
  const original = new Set(model.graph.nodes.flatMap((node) => node.outputs))
  const lists = sequences(w)
  /** Is the node at hand one that nothing asked for depends on? */
  let idle = false

  function emit(given: Node, written: number): void {
    // Of several nodes one may read what an earlier one has become.
    for (const node of atNode(given, () => upgrade(renameInputs(given, w.resolve), written, w)))
      emitOne(renameInputs(node, w.resolve), written)
  }

  function emitOne(node: Node, written: number): void {
    const values = atNode(node, () => replacement(node, written))
    if (!values) {
      w.append(node)
      for (const name of node.outputs) if (wrt.includes(name)) w.activate(name)
      return
    }
    node.outputs.forEach((name, i) => {
      const value = values[i]
      if (name !== '' && value) replace(name, value)
    })
  }

  /** Everything that reads the name reads the value; the name stays for whoever asks for it from outside. */
  function replace(name: string, value: string): void {
    if (original.has(name))
      w.append({ opType: 'Identity', domain: '', name, inputs: [value], outputs: [name], attributes: {} })
    if (wrt.includes(name)) w.activate(name)
    else w.alias(name, value)
  }

  /** Values in place of a node's outputs; undefined when it stays. */
  function replacement(node: Node, written: number): readonly (string | undefined)[] | undefined {
    const called = functions.get(functionKey(node, node.opType))
    if (called) {
      const own = called.opsets[''] ?? written
      return inlineFunction(w, called, node, (inner) => emit(inner, own))
    }
    const listed = lists.lower(node)
    if (listed) return listed
    const control = { w, emit: (inner: Node) => emit(inner, written) }
    const taken = node.opType === 'If' && node.domain === '' ? takenBranch(control, node) : undefined
    if (taken) return taken
    // The standard defines it as a function, and like functions it is always written out.
    if (node.domain === PREVIEW && node.opType === 'FlexAttention') return flexAttention(control, node)
    if (idle || !usedValues(node).some((name) => w.isActive(name))) return undefined
    if (node.domain === '' && node.opType === 'If') return bothBranches(control, node)
    if (node.domain === '' && node.opType === 'Loop') return unrollLoop(control, node)
    if (node.domain === '' && node.opType === 'Scan') return unrollScan(control, node)
    return lowerNode(node, w)
  }

  const ends = of?.map((name) => ({ name, type: 'other' as const, shape: undefined })) ?? model.graph.outputs
  const needed = new Set(prune({ ...model.graph, outputs: ends }).nodes)
  for (const node of model.graph.nodes) {
    idle = !needed.has(node)
    emit(node, opset)
  }
  return rebuilt(model, w, target)
}

function rebuilt(model: Model, w: Rewriter, opset: number): Model {
  const graph = { ...model.graph, nodes: withoutIdleLists(model, w.nodes), initializers: w.initializers }
  const opsets = { ...model.opsets, '': opset }
  // Every call in the main graph is written out; what is left may be called from subgraphs.
  const nested = w.nodes.some((node) => Object.values(node.attributes).some((a) => a.kind === 'graph'))
  const functions = nested ? model.functions : []
  const lowered: Model = withGraph(
    {
      ...model,
      functions,
      opsets,
      irVersion: opset === model.opsets[''] ? model.irVersion : Math.max(model.irVersion, IR_VERSION),
    },
    graph,
  )
  const base = sources.model.get(model) ?? sources.base.get(model)
  if (base) sources.base.set(lowered, base)
  return lowered
}

/** Operators that only make sequences and optionals. */
const listMakers = 'Optional SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SplitToSequence'

/** Drops sequences nobody reads any more; other values keep their names for whoever asks for them. */
function withoutIdleLists(model: Model, nodes: readonly Node[]): Node[] {
  const makers = new Set(listMakers.split(' '))
  const read = new Set(model.graph.outputs.map((output) => output.name))
  const kept: Node[] = []
  for (const node of nodes.toReversed()) {
    const idle = makers.has(node.opType) && node.domain === '' && !node.outputs.some((name) => read.has(name))
    if (idle) continue
    for (const name of usedValues(node)) read.add(name)
    kept.push(node)
  }
  return kept.reverse()
}
