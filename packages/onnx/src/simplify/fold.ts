// Nodes of constants as the constants they give, where that is exact: the same bits any runtime would compute.
import { attribute } from '../attributes.ts'
import { evaluate } from '../lower/evaluate.ts'
import { isExternal } from '../storage.ts'
import { count, plainNumbers as numbers } from '../tensors.ts'
import type { Node, Tensor } from '../types.ts'

/** Numbers a folded constant may have: shapes and small tables, not feature maps. */
const LARGEST = 4096

/** Rearrangements and selections: any type. */
const moving =
  'Identity Reshape Squeeze Unsqueeze Concat Slice Gather Transpose Expand Shape Size ConstantOfShape Where'
/** Comparisons and logic: exact for any numbers. */
const logical = 'Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor Not'
/** Correctly rounded by IEEE 754, so every machine agrees (double rounding of +, -, *, / to float32 is harmless). */
const rounded = 'Add Sub Mul Div Neg Abs Floor Ceil'
/** Integers only: orders of summation and signs of zero do not matter there. */
const whole = 'Mod Min Max Range ReduceProd ReduceSum ReduceMax ReduceMin'

const anyType = new Set(`${moving} ${logical} ${rounded} Cast`.split(' '))
const integersOnly = new Set(whole.split(' '))
const rounding = new Set(rounded.split(' '))

/** The constants a node gives, or undefined where it does not fold. */
export function fold(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] | undefined {
  if (node.domain !== '' || node.outputs.length !== 1) return undefined
  const reshaped = reshapedConstant(node, inputs)
  if (reshaped) return [reshaped]
  const listed = anyType.has(node.opType) || integersOnly.has(node.opType)
  if (!listed || inputs.some((tensor) => tensor && (count(tensor.shape) > LARGEST || isExternal(tensor))))
    return undefined
  const held = inputs.filter((tensor) => tensor !== undefined)
  if (!isDefined(node, held)) return undefined
  try {
    const result = evaluate(node, inputs)
    return result?.every((tensor) => count(tensor.shape) <= LARGEST && isInRange(node, tensor)) ? result : undefined
  } catch {
    // Division by zero and the like: what happens is the runtime's to say.
    return undefined
  }
}

/** Does the node give the same on every machine, and is it one that `evaluate` computes exactly? */
function isDefined(node: Node, held: readonly Tensor[]): boolean {
  const isWhole = held.every((tensor) => !tensor.type.startsWith('float'))
  const { opType } = node
  if (integersOnly.has(opType) && (!isWhole || attribute(node, 'fmod', 'int', 0) === 1)) return false
  if (attribute(node, 'noop_with_empty_axes', 'int', 0) === 1) return false
  const arithmetic = integersOnly.has(opType) || rounding.has(opType)
  if (held.some((tensor) => !isExact(tensor, arithmetic))) return false
  if (opType === 'Reshape' && attribute(node, 'allowzero', 'int', 0) === 1) return false
  if (opType === 'Expand' && !(product(held[1]) <= LARGEST)) return false
  if (opType === 'Cast' && !isWhole && !fitsInt32(held[0]!)) return false
  if ((opType === 'Div' || opType === 'Mod') && isWhole && numbers(held[1]!).includes(0)) return false
  return opType !== 'Gather' || isWithin(node, held)
}

function isWithin(node: Node, [x, indices]: readonly Tensor[]): boolean {
  const axis = attribute(node, 'axis', 'int', 0)
  const size = x!.shape.at(axis) ?? 0
  return numbers(indices!).every((i) => i >= -size && i < size)
}

function product(tensor: Tensor | undefined): number {
  return tensor ? numbers(tensor).reduce((a, b) => a * b, 1) : Number.NaN
}

/** Another shape of the same numbers, of any size, not copied. */
function reshapedConstant(node: Node, inputs: readonly (Tensor | undefined)[]): Tensor | undefined {
  const [x] = inputs
  if (!x || count(x.shape) <= LARGEST || isExternal(x) || x.type === 'string' || x.type === 'other') return undefined
  const shape = newShape(node, x, inputs[1])
  const whole = shape?.every((n) => Number.isSafeInteger(n) && n >= 0)
  if (!shape || !whole || count(shape) !== count(x.shape)) return undefined
  return {
    type: x.type,
    shape,
    get data() {
      return x.data
    },
  }
}

function newShape(node: Node, x: Tensor, second: Tensor | undefined): number[] | undefined {
  if (!second) return undefined
  const given = Array.from(second.data as BigInt64Array, Number)
  if (node.opType === 'Unsqueeze') {
    const rank = x.shape.length + given.length
    const ones = new Set(given.map((axis) => (axis < 0 ? axis + rank : axis)))
    const rest = [...x.shape]
    return Array.from({ length: rank }, (_, axis) => (ones.has(axis) ? 1 : (rest.shift() ?? Number.NaN)))
  }
  if (node.opType === 'Squeeze') {
    const gone = given.map((axis) => (axis < 0 ? axis + x.shape.length : axis))
    return x.shape.filter((_, axis) => !gone.includes(axis))
  }
  if (node.opType !== 'Reshape' || given.includes(0)) return undefined
  const open = given.indexOf(-1)
  if (open >= 0) given[open] = count(x.shape) / Math.abs(given.reduce((a, b) => a * b, 1))
  return given
}

/** Whole numbers that a double holds exactly, or floats. Arithmetic may not saturate. */
function isExact(tensor: Tensor, arithmetic: boolean): boolean {
  if (tensor.type !== 'int64' && tensor.type !== 'uint64') return true
  // Slices say "to the end" with the largest int64, which saturates on purpose.
  const largest = 2n ** 63n - 1n
  return (tensor.data as BigInt64Array).every(
    (v) => (v <= 2n ** 53n && v >= -(2n ** 53n)) || (!arithmetic && (v === largest || v === -largest)),
  )
}

/** No wrapping and no rounding happened in integer results, and no NaN, whose bits differ between machines. */
function isInRange(node: Node, tensor: Tensor): boolean {
  const made = integersOnly.has(node.opType) || rounding.has(node.opType) || node.opType === 'Cast'
  if (!made) return true
  if (tensor.type.startsWith('float')) return !(tensor.data as Float32Array).some(Number.isNaN)
  if (tensor.type === 'int32') return (tensor.data as Int32Array).every((v) => Math.abs(v) < 2 ** 31 - 1)
  if (tensor.type === 'int64') return isExact(tensor, true)
  return tensor.type === 'bool'
}

function fitsInt32(tensor: Tensor): boolean {
  return numbers(tensor).every((v) => Math.abs(v) < 2 ** 31)
}
