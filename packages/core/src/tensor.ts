// Batches of data as contiguous row-major ndarrays with the batch axis first, and the few helpers every package needs.
import ndarray from 'ndarray'
import { mismatch, OodError } from './errors.ts'

/** Element storage of a batch: float32 as models see it, float64 where digits matter. */
export type FloatArray = Float32Array | Float64Array

/** A batch: `ndarray` with the batch axis first, contiguous row-major. Images are NCHW. */
export type NdArray<A extends FloatArray = FloatArray> = ndarray.NdArray<A>

/**
 * Wraps flat row-major data as a batch without copying.
 *
 * @param data - `shape[0] * shape[1] * ...` numbers
 * @param shape - sizes, batch axis first
 * @throws OodError `E_SHAPE` when a size is not a whole number >= 0 or the sizes do not multiply to `data.length`;
 *   `E_ARGUMENT` for data that are no typed array of numbers (BigInts lose digits, plain lists have gaps)
 * @example
 * const x = tensor(new Float32Array(2 * 784), [2, 1, 28, 28])
 */
export function tensor<A extends FloatArray>(data: A, shape: readonly number[]): NdArray<A> {
  if (!isNumbers(data)) throw mismatch('E_ARGUMENT', 'tensor', 'a typed array of numbers', data)
  if (!Array.isArray(shape)) throw mismatch('E_SHAPE', 'tensor shape', 'a list of sizes', shape)
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0))
    throw mismatch('E_SHAPE', 'tensor shape', 'whole numbers >= 0', [...shape])
  const size = shape.reduce((product, n) => product * n, 1)
  if (size !== data.length) throw mismatch('E_SHAPE', 'tensor', `${size} numbers for shape [${shape}]`, data.length)
  return ndarray(data, [...shape]) as NdArray<A>
}

/**
 * Checks that `x` is a batch and not, say, what `readNpy` gave: an `ndarray` over a typed array of numbers.
 *
 * @throws OodError `E_ARGUMENT` saying what it is and how to make it a batch
 */
export function assertBatch(what: string, x: unknown): asserts x is NdArray {
  const { data, shape, stride, offset } = (typeof x === 'object' && x !== null ? x : {}) as Partial<NdArray>
  const numbers: boolean = isNumbers(data)
  if (numbers && Array.isArray(shape) && Array.isArray(stride) && typeof offset === 'number') return
  const raw = ArrayBuffer.isView(data) && Array.isArray(shape)
  const got =
    raw && !numbers
      ? `a batch of ${data.constructor.name}`
      : raw
        ? `${data.constructor.name} and shape without strides, as readNpy gives them: pass them through toBatch`
        : Array.isArray(x)
          ? 'a list'
          : ArrayBuffer.isView(x)
            ? `a ${x.constructor.name} without a shape`
            : typeof x === 'object' && x !== null
              ? 'another object'
              : x === undefined || x === null
                ? String(x)
                : `a ${typeof x}`
  throw mismatch('E_ARGUMENT', what, 'a batch, tensor(data, shape) of a typed array', got)
}

function isNumbers(data: unknown): boolean {
  if (!ArrayBuffer.isView(data) || data instanceof DataView) return false
  return !(data instanceof BigInt64Array || data instanceof BigUint64Array)
}

/** Number of rows (batch size) of `x`; `what` names it where it is no batch at all. */
export function rowCount(x: NdArray, what = 'rows'): number {
  assertBatch(what, x)
  return x.shape[0] ?? 0
}

/** Numbers in one row of `x`: the ambient dimension D. */
export function rowSize(x: NdArray): number {
  assertBatch('rows', x)
  return x.shape.slice(1).reduce((product, n) => product * n, 1)
}

/** The flat row-major numbers of `x`: its own storage when contiguous (no copy), else a packed copy. */
export function flatData<A extends FloatArray>(x: NdArray<A>): A {
  assertBatch('rows', x)
  const size = x.shape.reduce((product, n) => product * n, 1)
  let expected = 1
  let contiguous = true
  for (let axis = x.shape.length - 1; axis >= 0; axis--) {
    const n = x.shape[axis]!
    if (n !== 1 && x.stride[axis] !== expected) contiguous = false
    expected *= n
  }
  if (contiguous) return x.data.subarray(x.offset, x.offset + size) as A
  const packed = new (x.data.constructor as new (n: number) => A)(size)
  const index = new Array<number>(x.shape.length).fill(0)
  for (let i = 0; i < size; i++) {
    packed[i] = x.get(...index)
    for (let axis = x.shape.length - 1; axis >= 0; axis--) {
      index[axis] = index[axis]! + 1
      if (index[axis]! < x.shape[axis]!) break
      index[axis] = 0
    }
  }
  return packed
}

/** Rows `from` (inclusive) to `to` (exclusive) as a batch; shares storage when `x` is contiguous. */
export function sliceRows<A extends FloatArray>(x: NdArray<A>, from: number, to: number): NdArray<A> {
  const n = rowCount(x)
  if (!(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to && to <= n)) {
    throw mismatch('E_ARGUMENT', 'sliceRows', `0 <= from <= to <= ${n}`, `${from}, ${to}`)
  }
  const d = rowSize(x)
  return tensor(flatData(x).subarray(from * d, to * d) as A, [to - from, ...x.shape.slice(1)])
}

/** A new batch holding the rows of `x` at `indices`, in that order. */
export function takeRows<A extends FloatArray>(x: NdArray<A>, indices: ArrayLike<number>): NdArray<A> {
  const n = rowCount(x)
  const d = rowSize(x)
  const source = flatData(x)
  const out = new (source.constructor as new (n: number) => A)(indices.length * d)
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i]!
    if (!(Number.isInteger(row) && row >= 0 && row < n))
      throw mismatch('E_ARGUMENT', 'takeRows', `rows 0..${n - 1}`, row)
    out.set(source.subarray(row * d, (row + 1) * d), i * d)
  }
  return tensor(out, [indices.length, ...x.shape.slice(1)])
}

/**
 * The batches one after another as one batch; all must agree in everything but the number of rows. Float32 and float64
 * batches together give float64, so no digits are lost.
 *
 * @throws OodError `E_EMPTY` without batches, `E_SHAPE` when row shapes differ
 */
export function concatRows<A extends FloatArray>(parts: readonly NdArray<A>[]): NdArray<A> {
  const first = parts[0]
  if (!first) throw new OodError('E_EMPTY', 'concatRows: expected at least one batch, got none')
  assertBatch('concatRows part 0', first)
  const row = first.shape.slice(1)
  let total = 0
  for (const [i, part] of parts.entries()) {
    assertBatch(`concatRows part ${i}`, part)
    if (part.shape.slice(1).join() !== row.join())
      throw mismatch('E_SHAPE', 'concatRows', `rows of shape [${row}]`, part.shape)
    total += rowCount(part)
  }
  const d = rowSize(first)
  const alike = parts.every((part) => part.data.constructor === first.data.constructor)
  const out = new ((alike ? first.data.constructor : Float64Array) as new (n: number) => A)(total * d)
  let at = 0
  for (const part of parts) {
    out.set(flatData(part), at)
    at += rowCount(part) * d
  }
  return tensor(out, [total, ...row])
}

/** Checks that `x` is a batch of rows of exactly `shape`; throws `E_SHAPE` naming `what`. */
export function assertRows(what: string, x: NdArray, shape: readonly number[]): void {
  assertBatch(what, x)
  if (x.shape.length !== shape.length + 1 || shape.some((n, axis) => x.shape[axis + 1] !== n)) {
    throw mismatch('E_SHAPE', what, `shape [N, ${shape.join(', ')}]`, `[${x.shape.join(', ')}]`)
  }
}

/** Checks that every number is finite; throws `E_NOT_FINITE` with the first bad row. */
export function assertFinite(what: string, x: NdArray): void {
  assertBatch(what, x)
  const data = flatData(x)
  const d = Math.max(1, rowSize(x))
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i]!)) {
      throw mismatch(
        'E_NOT_FINITE',
        what,
        'finite numbers',
        `${data[i]} in row ${Math.floor(i / d)} at position ${i % d}`,
      )
    }
  }
}
