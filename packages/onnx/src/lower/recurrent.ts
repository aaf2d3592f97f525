// Recurrent operators unrolled over their steps, all gates of a step as one Gemm.
import { attribute, int, ints } from '../attributes.ts'

import { type Activation, activations } from './activations.ts'
import { type Lowered, type Lowering, type LoweringTable, shapeOf, size, unsupported } from './lowering-rule.ts'

/** State between steps; undefined is 0. */
interface State {
  readonly h: string | undefined
  readonly c?: string | undefined
}

/** One direction of a layer: how a step goes. */
interface Cell {
  /** Input part of all steps at once, [steps, batch, gates * hidden]. */
  readonly projected: string
  step(projected: string, state: State): State & { readonly h: string }
}

/** Weights of one direction: the operator's inputs without their leading axis. */
interface Weights {
  readonly hidden: number
  readonly f: readonly Activation[]
  readonly w: string
  readonly r: string
  /** Biases of input and recurrence, [gates * hidden] each. */
  readonly wb: string | undefined
  readonly rb: string | undefined
  /** LSTM peepholes i, o, f. */
  readonly peepholes: readonly string[] | undefined
}

type MakeCell = (l: Lowered, x: string, weights: Weights) => Cell

/** Most steps a sequence is unrolled to. */
const MOST_STEPS = 2048

const part = (l: Lowered, value: string, axis: number, from: number, to: number): string =>
  l.g.op('Slice', [value, l.g.int64([from]), l.g.int64([to]), l.g.int64([axis])])

/** Splits the last axis into pieces of one size. */
const pieces = (l: Lowered, value: string, n: number): string[] =>
  l.g.ops('Split', [value], { axis: int(-1), num_outputs: int(n) }, n)

/** Element `at` of the first axis, which goes. */
const element = (l: Lowered, value: string, at: number): string =>
  l.g.op('Gather', [value, l.g.scalar('int64', at)], { axis: int(0) })

/** h R' + c, or c alone when h is 0. */
function recurrence(l: Lowered, h: string | undefined, r: string, c: string): string {
  return h ? l.g.op('Gemm', [h, r, c], { transB: int(1) }) : c
}

/** Input part of all steps: one product for the whole sequence. */
function project(l: Lowered, x: string, w: string, bias: string | undefined): string {
  const product = l.g.op('MatMul', [x, l.g.op('Transpose', [w], { perm: ints([1, 0]) })])
  return bias ? l.p.add(product, bias) : product
}

const sumOf = (l: Lowered, a: string | undefined, b: string | undefined): string | undefined =>
  a && b ? l.p.add(a, b) : (a ?? b)

/** Values clipped before every activation, if the layer says so. */
function clipped(l: Lowered, f: Activation): Activation {
  const limit = attribute(l.node, 'clip', 'float', 0)
  if (!(limit > 0)) return f
  return (x) => f(l.g.op('Clip', [x, l.g.scalar(l.type, -limit), l.g.scalar(l.type, limit)]))
}

const lstm: MakeCell = (l, x, { f: all, w, r, wb, rb, peepholes }) => {
  const { p } = l
  const [f, g, h] = all.map((one, i) => (i < 2 ? clipped(l, one) : one)) as [Activation, Activation, Activation]
  const coupled = attribute(l.node, 'input_forget', 'int', 0) === 1
  const peep = (gate: string, i: number, c: string | undefined): string =>
    peepholes && c ? p.add(gate, p.mul(peepholes[i]!, c)) : gate
  return {
    projected: project(l, x, w, sumOf(l, wb, rb)),
    step(projected, state) {
      const [i, o, forget, cell] = pieces(l, recurrence(l, state.h, r, projected), 4) as [
        string,
        string,
        string,
        string,
      ]
      const inGate = f(peep(i, 0, state.c))
      const update = p.mul(inGate, g(cell))
      const keep = coupled ? p.sub(1, inGate) : f(peep(forget, 2, state.c))
      const c = state.c ? p.add(p.mul(keep, state.c), update) : update
      return { h: p.mul(f(peep(o, 1, c)), h(c)), c }
    },
  }
}

const gru: MakeCell = (l, x, { hidden, f: all, w, r, wb, rb }) => {
  const { p } = l
  const [f, g] = all.map((one) => clipped(l, one)) as [Activation, Activation]
  const linearFirst = attribute(l.node, 'linear_before_reset', 'int', 0) === 1
  // The bias of the new state's recurrence is inside the reset when the reset comes after the product.
  const outside =
    rb && linearFirst ? l.g.op('Concat', [part(l, rb, 0, 0, 2 * hidden), zeros(l, hidden)], { axis: int(0) }) : rb
  const inside = rb && linearFirst ? part(l, rb, 0, 2 * hidden, 3 * hidden) : undefined
  const gates = part(l, r, 0, 0, 2 * hidden)
  const fresh = part(l, r, 0, 2 * hidden, 3 * hidden)
  return {
    projected: project(l, x, w, sumOf(l, wb, outside)),
    step(projected, state) {
      const early = part(l, projected, -1, 0, 2 * hidden)
      const late = part(l, projected, -1, 2 * hidden, 3 * hidden)
      const old = state.h
      const [z, reset] = pieces(l, recurrence(l, old, gates, early), 2).map(f) as [string, string]
      let inner = late
      if (linearFirst) {
        const product = old ? l.g.op('Gemm', [old, fresh, ...(inside ? [inside] : [])], { transB: int(1) }) : inside
        if (product) inner = p.add(late, p.mul(reset, product))
      } else if (old) inner = recurrence(l, p.mul(reset, old), fresh, late)
      const made = p.mul(p.sub(1, z), g(inner))
      return { h: old ? p.add(made, p.mul(z, old)) : made }
    },
  }
}

const rnn: MakeCell = (l, x, { f: all, w, r, wb, rb }) => {
  const f = clipped(l, all[0]!)
  return {
    projected: project(l, x, w, sumOf(l, wb, rb)),
    step: (projected, state) => ({ h: f(recurrence(l, state.h, r, projected)) }),
  }
}

const zeros = (l: Lowered, n: number): string => l.g.op('Expand', [l.g.scalar(l.type, 0), l.g.int64([n])])

/** A whole layer: its directions, run over the steps, stacked the way the operator gives them. */
function layer(gates: number, defaults: readonly string[], make: MakeCell): Lowering {
  return (l) => {
    const { g, x, node } = l
    const batchFirst = attribute(node, 'layout', 'int', 0) === 1
    const direction = attribute(node, 'direction', 'string', 'forward')
    const swap = (value: string): string => g.op('Transpose', [value], { perm: ints([1, 0, 2]) })
    const input = batchFirst ? swap(x[0]!) : x[0]!
    const steps = size(l, shapeOf(l, input)[0], 'sequence length')
    if (steps === 0 || steps > MOST_STEPS) throw unsupported(l, `between 1 and ${MOST_STEPS} steps`)
    const hidden = size(l, shapeOf(l, x[2]!)[2], 'hidden size')
    const backwards = direction === 'bidirectional' ? [false, true] : [direction === 'reverse']
    const f = activations(l, defaults, backwards.length)
    const initial = [x[5], x[6]].map((value) => (value && batchFirst ? swap(value) : value))
    const isLstm = gates === 4
    const runs = backwards.map((back, d) => {
      const own = (value: string | undefined): string | undefined => (value ? element(l, value, d) : undefined)
      const bias = own(x[3])
      const peep = isLstm && x[7] ? pieces(l, own(x[7])!, 3) : undefined
      const cell = make(l, input, {
        hidden,
        f: f[d]!,
        w: own(x[1])!,
        r: own(x[2])!,
        wb: bias && part(l, bias, 0, 0, gates * hidden),
        rb: bias && part(l, bias, 0, gates * hidden, 2 * gates * hidden),
        peepholes: peep,
      })
      return run(l, cell, steps, back, { h: own(initial[0]), c: isLstm ? own(initial[1]) : undefined })
    })
    return outputs(l, runs, batchFirst)
  }
}

interface Run {
  /** Hidden states by step. */
  readonly all: readonly string[]
  readonly last: State
}

/** The steps in their order. Beyond a sequence's own length the state stays and the output is 0. */
function run(l: Lowered, cell: Cell, steps: number, backwards: boolean, start: State): Run {
  const { g, p } = l
  const lengths = l.x[4]
  const column = lengths ? g.op('Unsqueeze', [lengths, g.int64([1])]) : undefined
  let state = start
  const all = new Array<string>(steps)
  for (let round = 0; round < steps; round++) {
    const at = backwards ? steps - 1 - round : round
    const next = cell.step(element(l, cell.projected, at), state)
    if (!column) {
      state = next
      all[at] = next.h
      continue
    }
    const inside = g.op('Greater', [column, g.scalar(g.info(column).type, at)])
    state = {
      h: p.where(inside, next.h, state.h ?? 0),
      c: next.c ? p.where(inside, next.c, state.c ?? 0) : undefined,
    }
    all[at] = p.where(inside, next.h, 0)
  }
  return { all, last: state }
}

/** Y [steps, directions, batch, hidden], or [batch, steps, directions, hidden]; states without the steps. */
function outputs(l: Lowered, runs: readonly Run[], batchFirst: boolean): string[] {
  const { g } = l
  const join = (values: readonly string[], axis: number): string =>
    values.length === 1 ? values[0]! : g.op('Concat', values, { axis: int(axis) })
  const unsqueeze = (value: string, axes: readonly number[]): string => g.op('Unsqueeze', [value, g.int64(axes)])
  const y = join(
    runs.map(({ all }) => {
      const sequence = join(
        all.map((h) => unsqueeze(h, [batchFirst ? 1 : 0])),
        batchFirst ? 1 : 0,
      )
      return unsqueeze(sequence, [batchFirst ? 2 : 1])
    }),
    batchFirst ? 2 : 1,
  )
  const last = (of: (state: State) => string | undefined): string =>
    join(
      runs.map((one) => unsqueeze(of(one.last)!, [batchFirst ? 1 : 0])),
      batchFirst ? 1 : 0,
    )
  const states = [last((state) => state.h)]
  if (runs[0]!.last.c) states.push(last((state) => state.c))
  return [y, ...states]
}

export const recurrentLowerings: LoweringTable = {
  LSTM: layer(4, ['Sigmoid', 'Tanh', 'Tanh'], lstm),
  GRU: layer(3, ['Sigmoid', 'Tanh'], gru),
  RNN: layer(1, ['Tanh'], rnn),
}
