// Linear attention as its recurrence, and the causal convolution in front of it.
import { attribute, int, ints } from '../attributes.ts'
import { over } from '../infer/dims.ts'
import { type Primal, primal } from '../jvp/primal.ts'
import { elementNumber } from '../proto.ts'
import { tensorOf } from '../tensors.ts'
import type { ElementType } from '../types.ts'
import { repeatHeads } from './attention.ts'
import { type Lowered, type Lowering, type LoweringTable, shapeOf, size, unsupported } from './lowering-rule.ts'

/** Most steps a sequence is unrolled to. */
const MOST_STEPS = 2048

/** Half-precision inputs are worked on in float32, as the standard's definition does. */
function wide(l: Lowered): { type: ElementType; p: Primal; cast: (x: string, to: ElementType) => string } {
  const type = l.type === 'float16' || l.type === 'bfloat16' ? 'float32' : l.type
  const cast = (x: string, to: ElementType): string =>
    l.g.info(x).type === to ? x : l.g.op('Cast', [x], { to: int(elementNumber(to)) })
  return { type, p: primal(l.g, type), cast }
}

/**
 * S_t = exp(g_t) S_{t-1} + k_t (beta_t (v_t - (exp(g_t) S_{t-1})' k_t))', o_t = scale S_t' q_t; without gates or without
 * the correction where the update rule has none. Packed inputs [batch, steps, heads * size], state [batch, heads, dk, dv].
 */
const linearAttention: Lowering = (l) => {
  const { g, x, node } = l
  const { type, p, cast } = wide(l)
  const [query, key, value, past, decay, beta] = x as [string, string, string, string?, string?, string?]
  const heads = size(l, attribute(node, 'q_num_heads', 'int', undefined), 'q_num_heads')
  const kvHeads = size(l, attribute(node, 'kv_num_heads', 'int', undefined), 'kv_num_heads')
  const steps = size(l, shapeOf(l, query)[1], 'number of steps')
  if (steps < 1 || steps > MOST_STEPS) throw unsupported(l, `1 to ${MOST_STEPS} steps, but it has ${steps}: others`)
  const [dk, dv] = [
    size(l, over(shapeOf(l, query)[2]!, heads), 'size of keys'),
    size(l, over(shapeOf(l, value)[2]!, kvHeads), 'size of values'),
  ]
  const rule = attribute(node, 'update_rule', 'string', 'gated_delta')
  const given = attribute(node, 'scale', 'float', 0)
  const scale = given === 0 ? 1 / Math.sqrt(dk) : given

  // Every step as [batch, heads, size, 1] or [batch, heads, 1, size], made from one split of the whole.
  const split = (packed: string, n: number, shape: readonly number[]): string[] => {
    const parts = g.ops('Split', [cast(packed, type)], { axis: int(1), num_outputs: int(steps) }, steps)
    return parts.map((part) => g.op('Reshape', [part, g.int64([0, n, ...shape])]))
  }
  const q = split(query, heads, [1, dk])
  const k = split(key, kvHeads, [dk, 1])
  const v = split(value, kvHeads, [1, dv])
  const gates = rule.startsWith('gated') && decay ? split(p.un('Exp', cast(decay, type)), kvHeads, [-1, 1]) : undefined
  const rateHeads = beta ? size(l, shapeOf(l, beta)[2], 'number of rates') : 0
  const rates = rule.endsWith('delta') && beta ? split(beta, rateHeads, [1, 1]) : undefined

  let state = past ? cast(past, type) : undefined
  const outputs: string[] = []
  for (let t = 0; t < steps; t++) {
    const kept = state && gates ? p.mul(state, gates[t]!) : state
    const known =
      kept && rates ? g.op('MatMul', [g.op('Transpose', [k[t]!], { perm: ints([0, 1, 3, 2]) }), kept]) : undefined
    const news = known ? p.sub(v[t]!, known) : v[t]!
    const added = p.mul(k[t]!, rates ? p.mul(rates[t]!, news) : news)
    state = kept ? p.add(kept, added) : added
    outputs.push(g.op('MatMul', [q[t]!, repeatHeads(l, state, heads / kvHeads, heads)]))
  }
  const joined = g.op('Concat', outputs, { axis: int(2) })
  const rows = g.op('Transpose', [p.mul(joined, scale)], { perm: ints([0, 2, 1, 3]) })
  const packed = g.op('Reshape', [rows, g.int64([0, 0, heads * dv])])
  return [cast(packed, l.type), cast(state!, past ? g.info(past).type : l.type)]
}

/** A convolution of each channel with the past in front; the last of it is the next state. */
const causalConvolution: Lowering = (l) => {
  const { g, p, x, node } = l
  const [input, weight, bias, past] = x as [string, string, string?, string?]
  const channels = size(l, shapeOf(l, weight)[0], 'number of channels')
  const k = size(l, shapeOf(l, weight)[2], 'kernel size')
  const padded = past
    ? g.op('Concat', [past, input], { axis: int(2) })
    : k === 1
      ? input
      : g.op('Pad', [input, g.int64([0, 0, k - 1, 0, 0, 0])])
  const sum = g.op('Conv', [padded, weight, ...(bias ? [bias] : [])], { group: int(channels), kernel_shape: ints([k]) })
  const plain = attribute(node, 'activation', 'string', 'none') === 'none'
  const last = (): string => {
    if (k > 1) return g.op('Slice', [padded, g.int64([1 - k]), g.int64([Number.MAX_SAFE_INTEGER]), g.int64([2])])
    return g.op('Slice', [padded, g.int64([0]), g.int64([0]), g.int64([2])])
  }
  return [plain ? sum : p.mul(sum, p.un('Sigmoid', sum)), last()]
}

/** Running products: by doubling, so that zeros are no exception. */
const runningProduct: Lowering = (l) => {
  const { g, p, x, node } = l
  const shape = shapeOf(l, x[0]!)
  const given = g.constantTensor(x[1]!)
  if (!given) throw unsupported(l, 'a constant axis')
  const at = Number(given.data[0])
  const axis = at < 0 ? at + shape.length : at
  const n = size(l, shape[axis], 'size of the axis')
  const reverse = attribute(node, 'reverse', 'int', 0) === 1
  /** Elements moved along by `by`, ones behind them. */
  const moved = (value: string, by: number): string => {
    const [from, to] = reverse ? [by, n] : [0, n - by]
    const cut = g.op('Slice', [value, g.int64([from]), g.int64([to]), g.int64([axis])])
    const pads = new Array<number>(2 * shape.length).fill(0)
    pads[reverse ? axis + shape.length : axis] = by
    return g.op('Pad', [cut, g.int64(pads), g.constant('one', tensorOf(l.type, [], [1]))])
  }
  let product = x[0]!
  for (let by = 1; by < n; by *= 2) product = p.mul(product, moved(product, by))
  return [attribute(node, 'exclusive', 'int', 0) === 1 && n > 0 ? moved(product, 1) : product]
}

/** Rows of an update written into a cache, each sample at its own place; past the end they begin again if circular. */
const tensorScatter: Lowering = (l) => {
  const { g, p, x, node } = l
  const [cache, update, places] = x as [string, string, string?]
  const rank = shapeOf(l, cache).length
  const given = attribute(node, 'axis', 'int', -2)
  const axis = given < 0 ? given + rank : given
  const perm = [0, axis, ...Array.from({ length: rank }, (_, a) => a).filter((a) => a !== 0 && a !== axis)]
  const [old, rows] = [cache, update].map((value) => g.op('Transpose', [value], { perm: ints(perm) })) as [
    string,
    string,
  ]
  const [zero, one] = [g.scalar('int64', 0), g.scalar('int64', 1)]
  const length = (value: string): string => g.op('Gather', [g.op('Shape', [value]), one], { axis: int(0) })
  const at = g.op('Unsqueeze', [g.op('Range', [zero, length(old), one]), g.int64([0])])
  const batch = g.op('Gather', [g.op('Shape', [old]), g.int64([0])], { axis: int(0) })
  const first = places ?? g.op('Expand', [zero, batch])
  const shifted = g.op('Sub', [at, g.op('Unsqueeze', [first, g.int64([1])])])
  const circular = attribute(node, 'mode', 'string', 'linear') === 'circular'
  const from = circular ? g.op('Mod', [shifted, length(old)]) : shifted
  const inside = g.op('And', [g.op('GreaterOrEqual', [from, zero]), g.op('Less', [from, length(rows)])])
  const safe = g.op('Where', [inside, from, zero])
  const moved = g.op('GatherND', [rows, g.op('Unsqueeze', [safe, g.int64([2])])], { batch_dims: int(1) })
  const open = perm.flatMap((_, a) => (a < 2 ? [] : [a]))
  const condition = open.length > 0 ? g.op('Unsqueeze', [inside, g.int64(open)]) : inside
  const written = p.where(condition, moved, old)
  return [g.op('Transpose', [written], { perm: ints(perm.map((_, a) => perm.indexOf(a))) })]
}

/** a sigmoid(alpha a) b. */
const swiGlu: Lowering = ({ p, x, node }) => {
  const [a, b] = x as [string, string]
  return [p.mul(p.mul(a, p.un('Sigmoid', p.mul(a, attribute(node, 'alpha', 'float', 1)))), b)]
}

export const linearAttentionLowerings: LoweringTable = {
  LinearAttention: linearAttention,
  CausalConvWithState: causalConvolution,
  CumProd: runningProduct,
  TensorScatter: tensorScatter,
  SwiGLU: swiGlu,
}
