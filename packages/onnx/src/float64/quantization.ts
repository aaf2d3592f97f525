// Quantization in float64: scale, round, shift and saturate in plain operators.
import { attribute, int } from '../attributes.ts'
import { integerRanges } from '../integer-ranges.ts'
import type { Lowered, Lowering, LoweringTable } from '../lower/lowering-rule.ts'
import { elementNumber, elementType } from '../proto.ts'
import type { ElementType } from '../types.ts'
import { reshape, shapeOf, sizeAt, unsupported } from './float64-rule.ts'

const DOUBLE = 11

const wide = (l: Lowered, x: string): string =>
  l.g.info(x).type === 'float64' ? x : l.g.op('Cast', [x], { to: int(DOUBLE) })

/** A scale or zero point so that it multiplies `x`: one number, one for each slice of an axis, or one for each block. */
function spread(l: Lowered, value: string, x: string): string {
  const { g, node } = l
  const own = shapeOf(l, value)
  const rank = shapeOf(l, x).length
  const given = attribute(node, 'axis', 'int', 1)
  const axis = given < 0 ? given + rank : given
  if (own.length === 0 || (own.length === 1 && own[0] === 1))
    return own.length === 0 ? value : g.op('Reshape', [value, g.int64([])])
  if (own.length === 1) return g.op('Reshape', [value, g.int64([-1, ...new Array<number>(rank - 1 - axis).fill(1)])])
  const block = attribute(node, 'block_size', 'int', 0)
  const size = shapeOf(l, x)[axis]
  if (block < 1 || typeof size !== 'number') throw unsupported(l, 'blocks of an axis of known size')
  const apart = g.op('Unsqueeze', [value, g.int64([axis + 1])])
  const repeats = Array.from({ length: rank + 1 }, (_, a) => (a === axis + 1 ? block : 1))
  const sizes = Array.from({ length: rank }, (_, a) => sizeAt(l, value, a, a === axis ? block : 1))
  const all = reshape(l, g.op('Tile', [apart, g.int64(repeats)]), sizes)
  return g.op('Slice', [all, g.int64([0]), g.int64([size]), g.int64([axis])])
}

/** (x - zero point) scale. */
const dequantize: Lowering = (l) => {
  const { p, x } = l
  const [value, scale, zero] = x as [string, string, string?]
  const number = wide(l, value)
  const centred = zero ? p.sub(number, spread(l, wide(l, zero), value)) : number
  return [p.mul(centred, spread(l, scale, value))]
}

/** The nearest even whole number of x / scale, moved by the zero point, within the type. */
function quantized(l: Lowered, ratio: string, zero: string | undefined, type: ElementType): string {
  const { g, p } = l
  const range = type === 'int2' || type === 'uint2' ? undefined : integerRanges[type]
  const to = { to: int(elementNumber(type)) }
  // The 8-bit floats round by themselves.
  if (!range && type.startsWith('float8'))
    return g.op('Cast', [ratio], { ...to, saturate: int(attribute(l.node, 'saturate', 'int', 1)) })
  if (!range) throw unsupported(l, 'a quantized type of 4, 8 or 16 bits')
  const moved = zero ? p.add(p.un('Round', ratio), zero) : p.un('Round', ratio)
  const [low, high] = range
  return g.op('Cast', [g.op('Clip', [moved, g.scalar('float64', low), g.scalar('float64', high)])], to)
}

const quantize: Lowering = (l) => {
  const { g, p, x, node } = l
  const [value, scale, zero] = x as [string, string, string?]
  const named = attribute(node, 'output_dtype', 'int', 0)
  const type = zero ? g.info(zero).type : named ? elementType(named) : 'uint8'
  const ratio = p.div(value, spread(l, wide(l, scale), value))
  return [quantized(l, ratio, zero && !type.startsWith('float8') ? spread(l, wide(l, zero), value) : undefined, type)]
}

/** A product of quantized matrices: exact in float64, then quantized once. */
const matMul: Lowering = (l) => {
  const { g, p, x } = l
  const [a, aScale, aZero, b, bScale, bZero, yScale, yZero] = x as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  const rank = (value: string): number => shapeOf(l, value).length
  /** Scales of rows of the left, and of columns of the right operand. */
  const along = (value: string, rows: boolean): string => {
    if (rank(value) !== 1 || shapeOf(l, value)[0] === 1)
      return rank(value) === 1 ? g.op('Reshape', [value, g.int64([])]) : value
    return rows ? g.op('Unsqueeze', [value, g.int64([-1])]) : value
  }
  const left = p.mul(p.sub(wide(l, a), along(wide(l, aZero), true)), along(wide(l, aScale), true))
  const right = p.mul(p.sub(wide(l, b), along(wide(l, bZero), false)), along(wide(l, bScale), false))
  const ratio = p.div(g.op('MatMul', [left, right]), along(wide(l, yScale), true))
  return [quantized(l, ratio, along(wide(l, yZero), true), g.info(yZero).type)]
}

/** A convolution of quantized numbers, weights scaled for each output channel. */
const convolution: Lowering = (l) => {
  const { g, p, x, node } = l
  const [a, aScale, aZero, w, wScale, wZero, yScale, yZero, bias] = x as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string?,
  ]
  const one = (value: string): string => g.op('Reshape', [wide(l, value), g.int64([])])
  const perChannel = (value: string, behind: number): string =>
    g.op('Reshape', [wide(l, value), g.int64([-1, ...new Array<number>(behind).fill(1)])])
  const rank = shapeOf(l, a).length
  const centred = g.op(
    'Conv',
    [p.sub(wide(l, a), one(aZero)), p.sub(wide(l, w), perChannel(wZero, rank - 1))],
    node.attributes,
  )
  const whole = bias ? p.add(centred, perChannel(bias, rank - 2)) : centred
  const scale = p.mul(p.div(one(aScale), one(yScale)), perChannel(wScale, rank - 2))
  return [quantized(l, p.mul(whole, scale), one(yZero), g.info(yZero).type)]
}

/** Scale and zero point from the smallest and largest number, 0 included. */
const dynamic: Lowering = (l) => {
  const { g, p, x } = l
  const least = (opType: string, choice: string): string =>
    g.op(choice, [g.op(opType, [x[0]!], { keepdims: int(0) }), g.scalar('float64', 0)])
  const [low, high] = [least('ReduceMin', 'Min'), least('ReduceMax', 'Max')]
  const scale = p.div(p.sub(high, low), 255)
  const exact = p.un(
    'Round',
    g.op('Clip', [p.div(p.sub(0, low), scale), g.scalar('float64', 0), g.scalar('float64', 255)]),
  )
  return [
    quantized(l, p.div(x[0]!, scale), exact, 'uint8'),
    scale,
    g.op('Cast', [exact], { to: int(elementNumber('uint8')) }),
  ]
}

export const quantizationForms: LoweringTable = {
  DequantizeLinear: dequantize,
  QuantizeLinear: quantize,
  QLinearMatMul: matMul,
  QLinearConv: convolution,
  DynamicQuantizeLinear: dynamic,
}
