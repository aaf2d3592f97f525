// Attention and rotary embeddings as products, masks and softmax.
import { attribute, int, ints } from '../attributes.ts'
import { over } from '../infer/dims.ts'
import { elementNumber } from '../proto.ts'
import type { Dim, ElementType } from '../types.ts'
import { type Lowered, type Lowering, type LoweringTable, shapeOf, size, unsupported } from './lowering-rule.ts'

/**
 * What a masked score becomes, and what counts as masked in a mask of numbers: the lowest float32, as the runtime takes it
 * (masks say minus infinity or the lowest number); finite, so that softmax and its slope meet no infinities.
 */
const lowest = (type: ElementType): number =>
  type === 'float16' ? -65504 : type === 'bfloat16' ? -(2 - 2 ** -7) * 2 ** 127 : -3.4028234663852886e38

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
export function repeatHeads(l: Lowered, x: string, times: number, heads: number): string {
  if (times === 1) return x
  const { g } = l
  const copies = g.op('Expand', [g.op('Unsqueeze', [x, g.int64([2])]), g.int64([1, 1, times, 1, 1])])
  return g.op('Reshape', [copies, g.int64([0, heads, -1, size(l, shapeOf(l, x)[3], 'head size')])])
}

/** A value in the type of the first input. */
const valueInType = (l: Lowered, value: string): string =>
  l.g.info(value).type === l.type ? value : l.g.op('Cast', [value], { to: int(elementNumber(l.type)) })

const rowsOf = (l: Lowered, x: string): string =>
  l.g.op('Gather', [l.g.op('Shape', [x]), l.g.scalar('int64', 2)], { axis: int(0) })

/** 0, 1 ... for a number of rows, with axes added. */
const counted = (l: Lowered, of: string, axes: readonly number[]): string => {
  const { g } = l
  const list = g.op('Range', [g.scalar('int64', 0), rowsOf(l, of), g.scalar('int64', 1)])
  return g.op('Unsqueeze', [list, g.int64(axes)])
}

/** What the positions of queries and keys allow. */
interface Positions {
  readonly q: string
  readonly k: string
  readonly past: string | undefined
  /** How many keys of each row of the batch are there, the rest being padding: [batch]. */
  readonly filled: string | undefined
}

/**
 * Which keys a query sees by where they are, as conditions that must all hold: [rows, keys], or [batch, 1, rows, keys].
 * Query i stands behind the cached keys, or at the end of those that are filled.
 */
function seen(l: Lowered, { q, k, past, filled }: Positions): string[] {
  const { g, node } = l
  const causal = attribute(node, 'is_causal', 'int', 0) === 1
  const left = attribute(node, 'left_window_size', 'int', -1)
  const right = attribute(node, 'right_window_size', 'int', -1)
  const keys = counted(l, k, [0])
  const column = (counts: string): string => g.op('Reshape', [counts, g.int64([-1, 1, 1, 1])])
  const found: string[] = []
  if (causal || left >= 0 || right >= 0) {
    const rows = counted(l, q, [1])
    const offset = past ? rowsOf(l, past) : filled ? g.op('Sub', [column(filled), rowsOf(l, q)]) : undefined
    const at = offset ? g.op('Add', [rows, offset]) : rows
    const moved = (by: number): string => (by === 0 ? at : g.op('Add', [at, g.scalar('int64', by)]))
    if (causal) found.push(g.op('LessOrEqual', [keys, at]))
    if (right >= 0) found.push(g.op('LessOrEqual', [keys, moved(right)]))
    if (left >= 0) found.push(g.op('GreaterOrEqual', [keys, moved(-left)]))
  }
  if (filled) found.push(g.op('Less', [keys, column(filled)]))
  return found
}

/** A mask over all keys: keys beyond its last axis are hidden. */
function wholeMask(l: Lowered, mask: string, k: string): string {
  const { g } = l
  const { shape, type } = g.info(mask)
  const [own, keys] = [shape?.at(-1), g.info(k).shape?.at(-2)]
  if (typeof own !== 'number' || typeof keys !== 'number' || own === 1 || own >= keys) return mask
  const pads = [...shape!.map(() => 0), ...shape!.map((_, axis) => (axis === shape!.length - 1 ? keys - own : 0))]
  const hidden = g.scalar(type, type === 'bool' ? 0 : Number.NEGATIVE_INFINITY)
  return g.op('Pad', [mask, g.int64(pads), hidden])
}

/** Softmax over the keys that are seen; a row that sees none is 0, and so is its slope. */
function visibleSoftmax(
  l: Lowered,
  scores: string,
  conditions: readonly string[],
): { masked: string; weights: string } {
  const { g, p } = l
  if (conditions.length === 0) return { masked: scores, weights: g.op('Softmax', [scores], { axis: int(-1) }) }
  const visible = conditions.reduce((a, b) => g.op('And', [a, b]))
  const masked = p.where(visible, scores, lowest(l.type))
  const any = p.test('Greater', g.op('ReduceMax', [p.mask(visible), g.int64([-1])], { keepdims: int(1) }), 0)
  return { masked, weights: p.where(any, g.op('Softmax', [masked], { axis: int(-1) }), 0) }
}

/**
 * softmax(scale Q K' + mask) V, queries of several heads sharing keys where there are fewer key heads; operator sets 23 to
 * 28, with caches, windows and padding.
 */
const attention: Lowering = (l) => {
  const { g, p, x, node } = l
  const [query, key, value, given, pastKey, pastValue, filled] = x as [string, string, string, ...string[]]
  const flat = shapeOf(l, query).length === 3
  const heads = (name: string, input: string): number =>
    flat ? size(l, attribute(node, name, 'int', undefined), name) : size(l, shapeOf(l, input)[1], 'number of heads')
  const [qHeads, kvHeads] = [heads('q_num_heads', query), heads('kv_num_heads', key)]
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
  const conditions = seen(l, { q, k, past: pastKey || undefined, filled: filled || undefined })
  const mask = given ? wholeMask(l, given, k) : undefined
  if (mask && g.info(mask).type === 'bool') conditions.push(mask)
  else if (mask) {
    scores = p.add(scores, valueInType(l, mask))
    conditions.push(p.test('Greater', valueInType(l, mask), lowest(l.type)))
  }
  const { masked, weights } = visibleSoftmax(l, scores, conditions)
  const y = g.op('MatMul', [weights, repeatHeads(l, v, qHeads / kvHeads, qHeads)])
  const shown = [product, capped, masked, weights][attribute(node, 'qk_matmul_output_mode', 'int', 0)]
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
