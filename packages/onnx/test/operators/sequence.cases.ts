// Cases of recurrent layers, attention and rotary embeddings.
import { type Attribute, float, type GraphBuilder, int, tensorOf, text } from '../../src/index.ts'
import { type Case, weights } from './case.ts'

const strings = (value: readonly string[]): Attribute => ({ kind: 'strings', value })
const floats = (value: readonly number[]): Attribute => ({ kind: 'floats', value })
const [STEPS, BATCH, IN, HIDDEN] = [3, 2, 3, 2]

interface Layer {
  how: string
  attributes?: Record<string, Attribute>
  bias?: boolean
  lengths?: readonly number[]
  initial?: boolean
  peepholes?: boolean
  /** Constant weights, to see that they fold. */
  constant?: boolean
}

const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const

/** A recurrent layer in all its outputs, differentiated by input, weights and states. */
function layer(op: keyof typeof GATES, o: Layer): Case {
  const attributes: Record<string, Attribute> = { hidden_size: int(HIDDEN), ...o.attributes }
  const direction = attributes.direction?.kind === 'string' ? attributes.direction.value : 'forward'
  const d = direction === 'bidirectional' ? 2 : 1
  const batchFirst = o.attributes?.layout !== undefined
  const n = GATES[op] * HIDDEN
  const state = batchFirst ? [BATCH, d, HIDDEN] : [d, BATCH, HIDDEN]
  const w = { w: [d, n, IN], r: [d, n, HIDDEN] }
  return {
    name: `${op} ${o.how}`,
    op,
    type: 'float32',
    inputs: {
      x: batchFirst ? [BATCH, STEPS, IN] : [STEPS, BATCH, IN],
      ...(!o.constant && w),
      ...(o.bias && { b: [d, 2 * n] }),
      ...(o.initial && { h: state, ...(op === 'LSTM' && { c: state }) }),
      ...(o.peepholes && { p: [d, 3 * HIDDEN] }),
    },
    map: (v) => 0.5 * v,
    // Gates upon gates have large third derivatives.
    step: 5e-3,
    fixed: true,
    build(g, given) {
      const named = new Map(given.map((name) => [name, name]))
      const value = (name: keyof typeof w): string => named.get(name) ?? weights(g, name, w[name])
      const lengths = o.lengths ? g.constant('lengths', tensorOf('int32', [BATCH], o.lengths)) : ''
      const inputs = ['x', value('w'), value('r'), named.get('b') ?? '', lengths, named.get('h') ?? '']
      if (op === 'LSTM') inputs.push(named.get('c') ?? '', named.get('p') ?? '')
      while (inputs.at(-1) === '') inputs.pop()
      return g.ops(op, inputs, attributes, op === 'LSTM' ? 3 : 2)
    },
  }
}

const recurrent: Case[] = [
  layer('LSTM', { how: 'forward', bias: true }),
  layer('LSTM', { how: 'reverse with states', attributes: { direction: text('reverse') }, initial: true }),
  layer('LSTM', {
    how: 'in both directions',
    attributes: { direction: text('bidirectional') },
    bias: true,
    initial: true,
  }),
  layer('LSTM', { how: 'with lengths', attributes: { direction: text('bidirectional') }, lengths: [2, 3] }),
  layer('LSTM', { how: 'with peepholes', bias: true, peepholes: true, initial: true }),
  layer('LSTM', { how: 'coupled and clipped', attributes: { input_forget: int(1), clip: float(0.6) }, initial: true }),
  layer('LSTM', {
    how: 'of other activations',
    attributes: {
      activations: strings(['HardSigmoid', 'Elu', 'Softsign']),
      activation_alpha: floats([0.3, 0.7]),
      activation_beta: floats([0.4]),
    },
    bias: true,
    constant: true,
  }),
  layer('GRU', { how: 'forward', bias: true }),
  layer('GRU', { how: 'reverse', attributes: { direction: text('reverse') }, initial: true }),
  layer('GRU', {
    how: 'linear before reset',
    attributes: { linear_before_reset: int(1), direction: text('bidirectional') },
    bias: true,
    initial: true,
    lengths: [3, 1],
  }),
  layer('GRU', {
    how: 'linear before reset without bias',
    attributes: { linear_before_reset: int(1) },
    constant: true,
  }),
  layer('RNN', { how: 'forward', bias: true, initial: true }),
  layer('RNN', {
    how: 'in both directions',
    attributes: { direction: text('bidirectional'), activations: strings(['Softsign', 'Tanh']) },
    bias: true,
  }),
]

interface Heads {
  how: string
  inputs: Record<string, readonly number[]>
  attributes?: Record<string, Attribute>
  mask?: (g: GraphBuilder) => string
  past?: readonly number[]
}

const bits = (g: GraphBuilder, shape: readonly number[], values: readonly number[]): string =>
  g.constant('mask', tensorOf('bool', shape, values))

const attention: Case[] = (
  [
    { how: 'of four axes', inputs: { q: [2, 2, 3, 4], k: [2, 2, 5, 4], v: [2, 2, 5, 3] } },
    {
      how: 'of three axes',
      inputs: { q: [2, 3, 8], k: [2, 4, 8], v: [2, 4, 6] },
      attributes: { q_num_heads: int(2), kv_num_heads: int(2), scale: float(0.3) },
    },
    {
      how: 'with shared keys',
      inputs: { q: [2, 4, 3, 2], k: [2, 2, 3, 2], v: [2, 2, 3, 2] },
      attributes: { is_causal: int(1) },
    },
    {
      how: 'with a mask of booleans',
      inputs: { q: [1, 2, 3, 2], k: [1, 2, 3, 2], v: [1, 2, 3, 2] },
      mask: (g) => bits(g, [3, 3], [1, 1, 0, 0, 1, 1, 1, 1, 1]),
    },
    {
      how: 'with a mask that is learned',
      inputs: { q: [1, 2, 3, 2], k: [1, 2, 3, 2], v: [1, 2, 3, 2], mask: [2, 3, 3] },
    },
    {
      how: 'with softcap',
      inputs: { q: [1, 1, 3, 2], k: [1, 1, 3, 2], v: [1, 1, 3, 2] },
      attributes: { softcap: float(0.8) },
    },
  ] as Heads[]
).map(
  ({ how, inputs, attributes = {}, mask }): Case => ({
    name: `Attention ${how}`,
    op: 'Attention',
    type: 'float32',
    opset: 23,
    fixed: true,
    inputs,
    build: (g, x) => g.op('Attention', mask ? [...x, mask(g)] : x, attributes),
  }),
)

const cache: Case = {
  name: 'Attention with a cache',
  op: 'Attention',
  type: 'float32',
  opset: 23,
  fixed: true,
  inputs: { q: [1, 2, 2, 2], k: [1, 2, 2, 2], v: [1, 2, 2, 2], pk: [1, 2, 3, 2], pv: [1, 2, 3, 2] },
  build: (g, [q, k, v, pk, pv]) => g.ops('Attention', [q!, k!, v!, '', pk!, pv!], { is_causal: int(1) }, 3),
}

const rotary: Case[] = [
  { how: 'of halves', shape: [2, 2, 3, 4], attributes: {} },
  {
    how: 'interleaved, in part',
    shape: [2, 2, 3, 6],
    attributes: { interleaved: int(1), rotary_embedding_dim: int(4) },
  },
  { how: 'of three axes', shape: [2, 3, 8], attributes: { num_heads: int(2) } },
].map(
  ({ how, shape, attributes }): Case => ({
    name: `RotaryEmbedding ${how}`,
    op: 'RotaryEmbedding',
    type: 'float32',
    opset: 23,
    fixed: true,
    inputs: { x: shape, cos: [5, 2], sin: [5, 2] },
    build: (g, [x, cos, sin]) => {
      const positions = g.constant('positions', tensorOf('int64', [2, 3], [0, 1, 2, 4, 3, 0]))
      return g.op('RotaryEmbedding', [x!, cos!, sin!, positions], attributes)
    },
  }),
)

/** Linear attention with every update rule, three query heads to a key head, and what stands in front of it. */
const linear: Case[] = [
  { rule: 'linear', extra: {} },
  { rule: 'gated_delta', extra: { past: [2, 1, 2, 3], decay: [2, 3, 2], beta: [2, 3, 1] } },
].map(
  ({ rule, extra }): Case => ({
    name: `LinearAttention ${rule}`,
    op: 'LinearAttention',
    type: 'float32',
    opset: 27,
    fixed: true,
    inputs: { q: [2, 3, 6], k: [2, 3, 2], v: [2, 3, 3], ...extra },
    build: (g, x) =>
      g.ops('LinearAttention', x, { q_num_heads: int(3), kv_num_heads: int(1), update_rule: text(rule) }, 2),
  }),
)

const states: Case[] = [
  {
    name: 'CausalConvWithState with a past',
    op: 'CausalConvWithState',
    type: 'float32',
    opset: 27,
    fixed: true,
    inputs: { x: [2, 3, 5], w: [3, 1, 3], b: [3], p: [2, 3, 2] },
    build: (g, x) => g.ops('CausalConvWithState', x, { activation: text('silu') }, 2),
  },
  {
    name: 'CumProd backwards, exclusive',
    op: 'CumProd',
    type: 'float32',
    opset: 26,
    fixed: true,
    inputs: { x: [2, 5] },
    build: (g, [x]) => g.op('CumProd', [x!, g.scalar('int64', 1)], { reverse: int(1), exclusive: int(1) }),
  },
  {
    name: 'TensorScatter around the end',
    op: 'TensorScatter',
    type: 'float32',
    opset: 24,
    fixed: true,
    inputs: { c: [2, 2, 4, 3], u: [2, 2, 2, 3] },
    build: (g, [c, u]) => {
      const at = g.constant('at', tensorOf('int64', [2], [1, 3]))
      return g.op('TensorScatter', [c!, u!, at], { mode: text('circular') })
    },
  },
]

export const sequenceCases: Case[] = [...linear, ...states, ...recurrent, ...attention, cache, ...rotary]
