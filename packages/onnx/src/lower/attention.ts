// Attention and rotary embeddings as products, masks and softmax.
import { attribute, int, ints } from '../attributes.ts'
import { over } from '../infer/dims.ts'
import type { Dim } from '../types.ts'
import { type Lowered, type Lowering, type LoweringTable, shapeOf, size, unsupported } from './rule.ts'

/** What a masked score becomes: the lowest float32, as the runtime takes it, so that a row of masked keys is no NaN. */
const MASKED = -3.4028234663852886e38

/** [batch, rows, heads * size] as [batch, heads, rows, size]. */
function splitHeads(l: Lowered, x: string, heads: number): string {
  const parts = l.g.op('Reshape', [x, l.g.int64([0, 0, heads, -1])])
  return l.g.op('Transpose', [parts], { perm: ints([0, 2, 1, 3]) })
}

function joinHeads(l: Lowered, y: string): string {
  const rows = l.g.op('Transpose', [y], { perm: ints([0, 2, 1, 3]) })
  return l.g.op('Reshape', [rows, l.g.int64([0, 0, -1])])
}

/** Every key or value head once for each of the query heads that share it. */
function repeatHeads(l: Lowered, x: string, times: number, heads: number): string {
  if (times === 1) return x
  const { g } = l
  const copies = g.op('Expand', [g.op('Unsqueeze', [x, g.int64([2])]), g.int64([1, 1, times, 1, 1])])
  return g.op('Reshape', [copies, g.int64([0, heads, -1, size(l, shapeOf(l, x)[3], 'head size')])])
}

const rowsOf = (l: Lowered, x: string): string =>
  l.g.op('Gather', [l.g.op('Shape', [x]), l.g.scalar('int64', 2)], { axis: int(0) })

/** Which keys a query sees when it sees no later ones: [rows, keys], the cached keys first. */
function causal(l: Lowered, q: string, k: string, past: string | undefined): string {
  const { g } = l
  const [zero, one] = [g.scalar('int64', 0), g.scalar('int64', 1)]
  const rows = g.op('Range', [zero, rowsOf(l, q), one])
  const last = past ? g.op('Add', [rows, rowsOf(l, past)]) : rows
  const keys = g.op('Range', [zero, rowsOf(l, k), one])
  return g.op('GreaterOrEqual', [g.op('Unsqueeze', [last, g.int64([1])]), g.op('Unsqueeze', [keys, g.int64([0])])])
}

/** softmax(scale Q K' + mask) V, queries of several heads sharing keys where there are fewer key heads. */
const attention: Lowering = (l) => {
  const { g, p, x, node } = l
  const [query, key, value, mask, pastKey, pastValue] = x as [string, string, string, ...string[]]
  const flat = shapeOf(l, query).length === 3
  const heads = (name: string, input: string): number =>
    flat ? size(l, attribute(node, name, 'int', undefined), name) : size(l, shapeOf(l, input)[1], 'number of heads')
  const [qHeads, kvHeads] = [heads('q_num_heads', query), heads('kv_num_heads', key)]
  if (x[6]) throw unsupported(l, 'no input nonpad_kv_seqlen')
  const split = (input: string, n: number): string => (flat ? splitHeads(l, input, n) : input)
  const joined = (past: string | undefined, now: string): string =>
    past ? g.op('Concat', [past, now], { axis: int(2) }) : now
  const q = split(query, qHeads)
  const k = joined(pastKey, split(key, kvHeads))
  const v = joined(pastValue, split(value, kvHeads))
  const width: Dim = flat ? over(shapeOf(l, query)[2]!, qHeads) : shapeOf(l, query)[3]!
  const scale = attribute(node, 'scale', 'float', undefined) ?? 1 / Math.sqrt(size(l, width, 'head size'))

  const transposed = g.op('Transpose', [repeatHeads(l, k, qHeads / kvHeads, qHeads)], { perm: ints([0, 1, 3, 2]) })
  const root = Math.sqrt(scale)
  const product = g.op('MatMul', [p.mul(q, root), p.mul(transposed, root)])
  const cap = attribute(node, 'softcap', 'float', 0)
  const capped = cap > 0 ? p.mul(p.un('Tanh', p.mul(product, 1 / cap)), cap) : product
  let scores = capped
  if (mask) scores = g.info(mask).type === 'bool' ? p.where(mask, scores, MASKED) : p.add(scores, mask)
  if (attribute(node, 'is_causal', 'int', 0) === 1)
    scores = p.where(causal(l, q, k, pastKey || undefined), scores, MASKED)
  const weights = g.op('Softmax', [scores], { axis: int(-1) })
  const y = g.op('MatMul', [weights, repeatHeads(l, v, qHeads / kvHeads, qHeads)])
  const shown = [product, capped, scores, weights][attribute(node, 'qk_matmul_output_mode', 'int', 0)]
  return [flat ? joinHeads(l, y) : y, k, v, shown]
}

/** Pairs of features turned by an angle that depends on the position: (a, b) -> (a cos - b sin, a sin + b cos). */
const rotary: Lowering = (l) => {
  const { g, p, x, node } = l
  const [input, cosines, sines, positions] = x as [string, string, string, string?]
  const flat = shapeOf(l, input).length === 3
  const heads = attribute(node, 'num_heads', 'int', 0)
  if (flat && heads === 0) throw unsupported(l, 'num_heads with an input of three axes')
  const value = flat ? g.op('Reshape', [input, g.int64([0, 0, heads, -1])]) : input
  const whole = size(l, flat ? over(shapeOf(l, input)[2]!, heads) : shapeOf(l, input)[3], 'head size')
  const turned = attribute(node, 'rotary_embedding_dim', 'int', 0) || whole
  const angles = (cache: string): string => {
    const rows = positions ? g.op('Gather', [cache, positions], { axis: int(0) }) : cache
    return g.op('Unsqueeze', [rows, g.int64([flat ? 2 : 1])])
  }
  const cut = (from: number, to: number, step = 1): string =>
    g.op('Slice', [value, g.int64([from]), g.int64([to]), g.int64([-1]), g.int64([step])])
  const mixed = attribute(node, 'interleaved', 'int', 0) === 1
  const a = mixed ? cut(0, turned, 2) : cut(0, turned / 2)
  const b = mixed ? cut(1, turned, 2) : cut(turned / 2, turned)
  const [cos, sin] = [angles(cosines), angles(sines)]
  const first = p.sub(p.mul(cos, a), p.mul(sin, b))
  const second = p.add(p.mul(sin, a), p.mul(cos, b))
  const parts = mixed ? [interleave(l, first, second)] : [first, second]
  if (turned < whole) parts.push(cut(turned, whole))
  const out = parts.length === 1 ? parts[0]! : g.op('Concat', parts, { axis: int(-1) })
  return [flat ? g.op('Reshape', [out, g.int64([0, 0, -1])]) : out]
}

/** Elements of two values of four axes in turn along the last. */
function interleave(l: Lowered, a: string, b: string): string {
  const { g } = l
  const pairs = [a, b].map((part) => g.op('Unsqueeze', [part, g.int64([-1])]))
  const joined = g.op('Concat', pairs, { axis: int(-1) })
  return g.op('Reshape', [joined, g.int64([0, 0, 0, -1])])
}

export const attentionLowerings: LoweringTable = { Attention: attention, RotaryEmbedding: rotary }
