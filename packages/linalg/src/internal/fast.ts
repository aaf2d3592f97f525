// WebAssembly versions of the plain kernels. Each returns undefined when WebAssembly SIMD cannot be had.
import type { FloatArray } from '@ood/core'
import type { Tridiagonal } from '../tridiagonal.ts'
import { areSquaresSafe } from './safe-scale.ts'
import { type Workspace, workspace } from './wasm.ts'

/** Columns of a panel of the tridiagonalisation, even; the best of 8..48 at n = 784, see wasm/tridiagonal.c. */
const PANEL = 8
/** Rows copied into the module at a time. */
const STRIP = 64
/** Largest number of products summed in registers before they are added to the result. */
const DEPTH = 128
/** Largest block of a product kept in the module. */
const ROWS = 256
const COLS = 512

const roundUp4 = (n: number): number => Math.ceil(n / 4) * 4

/** Numbers in the packed form of a symmetric matrix of order n (see wasm/simd.h). */
function packedSize(n: number): number {
  const blocks = Math.ceil(n / 4)
  return 8 * blocks * (blocks + 1)
}

/** As `householderTridiagonalize`, `out.rotated` holding z; returns whether it did. M is not changed. */
export function fastTridiagonalize(M: Float64Array, n: number, out: Tridiagonal): boolean {
  const space = workspace([packedSize(n), tridiagonalSize(n), STRIP * n])
  if (!space) return false
  const [A, work, strip] = space.at as [number, number, number]
  for (let from = 0; from < n; from += STRIP) {
    const to = Math.min(n, from + STRIP)
    space.numbers(strip, STRIP * n).set(M.subarray(from * n, to * n))
    space.kernels.packSymmetric(strip, n, from, to, A)
  }
  reduce(space, A, work, n, out)
  return true
}

/** JᵀJ and its tridiagonal form without leaving the module. */
export function fastGramTridiagonal(
  J: FloatArray,
  rows: number,
  cols: number,
  transposed: boolean,
  out: Tridiagonal,
): boolean {
  const depth = gramDepth(rows)
  const space = workspace([packedSize(cols), tridiagonalSize(cols), depth * cols, depth * roundUp4(cols)])
  if (!space) return false
  const [A, work, strip, panels] = space.at as [number, number, number, number]
  addGram(space, A, strip, panels, J, rows, cols, transposed)
  reduce(space, A, work, cols, out)
  return true
}

/**
 * The tridiagonal form of Σ (x - mean)(x - mean)ᵀ over rows x; false also where the rows are more than fit at a time, or
 * hold NaN, infinities or numbers whose squares' squares leave the range: others look at those.
 */
export function fastScatterTridiagonal(points: FloatArray, rows: number, cols: number, out: Tridiagonal): boolean {
  if (rows === 0 || rows * cols > 2 ** 20) return false
  const space = workspace([packedSize(cols), tridiagonalSize(cols), rows * cols, rows * roundUp4(cols)])
  if (!space) return false
  const [A, work, moved, panels] = space.at as [number, number, number, number]
  const { kernels } = space
  space.numbers(moved, rows * cols).set(points)
  if (!areSquaresSafe(kernels.largestOf(moved, rows * cols))) return false
  kernels.centreColumns(moved, rows, cols, work)
  kernels.panelsOfColumns(moved, rows, cols, cols, panels)
  kernels.clear(A, packedSize(cols))
  kernels.addGram(panels, rows, roundUp4(cols) / 4, A)
  reduce(space, A, work, cols, out)
  return true
}

/** JᵀJ, cols x cols row-major, both triangles. */
export function fastGram(J: FloatArray, rows: number, cols: number, transposed: boolean): Float64Array | undefined {
  const depth = gramDepth(rows)
  const space = workspace([packedSize(cols), Math.max(depth, STRIP) * cols, depth * roundUp4(cols)])
  if (!space) return undefined
  const [A, strip, panels] = space.at as [number, number, number]
  addGram(space, A, strip, panels, J, rows, cols, transposed)
  const out = new Float64Array(cols * cols)
  for (let from = 0; from < cols; from += STRIP) {
    const to = Math.min(cols, from + STRIP)
    space.kernels.unpackSymmetric(A, cols, from, to, strip)
    out.set(space.numbers(strip, (to - from) * cols), from * cols)
  }
  return out
}

/** A Bᵀ or A B, rows x cols row-major, in blocks so that the module's memory stays below about 6 MB. */
export function fastProduct(
  A: FloatArray,
  B: FloatArray,
  rows: number,
  inner: number,
  cols: number,
  transposedB: boolean,
): Float64Array | undefined {
  const r = Math.min(ROWS, roundUp4(rows))
  const c = Math.min(COLS, roundUp4(cols))
  const space = workspace([DEPTH * r, DEPTH * c, r * c, DEPTH * Math.max(r, c)])
  if (!space) return undefined
  const [a, b, C, strip] = space.at as [number, number, number, number]
  const { kernels } = space
  const out = new Float64Array(rows * cols)
  for (let j = 0; j < cols; j += COLS) {
    const width = Math.min(COLS, cols - j)
    for (let i = 0; i < rows; i += ROWS) {
      const height = Math.min(ROWS, rows - i)
      kernels.clear(C, roundUp4(height) * roundUp4(width))
      for (let k = 0; k < inner; k += DEPTH) {
        const depth = Math.min(DEPTH, inner - k)
        copyBlock(space, strip, A, i * inner + k, inner, height, depth)
        kernels.panelsOfRows(strip, depth, height, depth, a)
        if (transposedB) {
          copyBlock(space, strip, B, j * inner + k, inner, width, depth)
          kernels.panelsOfRows(strip, depth, width, depth, b)
        } else {
          copyBlock(space, strip, B, k * cols + j, cols, depth, width)
          kernels.panelsOfColumns(strip, depth, width, width, b)
        }
        kernels.addProduct(a, b, depth, roundUp4(height) / 4, roundUp4(width) / 4, C, roundUp4(width))
      }
      const block = space.numbers(C, height * roundUp4(width))
      for (let q = 0; q < height; q++)
        out.set(block.subarray(q * roundUp4(width), q * roundUp4(width) + width), (i + q) * cols + j)
    }
  }
  return out
}

/** The pivots of PM = LU and the number of row exchanges, -1 when M is singular (the pivots then mean nothing). */
export function fastPivots(M: Float64Array, n: number): { pivots: Float64Array; swaps: number } | undefined {
  const square = paddedSquare(M, n)
  if (!square) return undefined
  const { A, at, work, size, kernels } = square
  const swaps = kernels.factorLU(at, n, work)
  return { pivots: Float64Array.from({ length: n }, (_, i) => A[i * size + i]!), swaps }
}

/** L of M = L Lᵀ, or the first pivot that is not positive. */
export function fastCholesky(M: Float64Array, n: number): Float64Array | { column: number; pivot: number } | undefined {
  const square = paddedSquare(M, n)
  if (!square) return undefined
  const { A, at, work, size, kernels } = square
  const column = kernels.factorCholesky(at, n, work)
  if (column >= 0) return { column, pivot: A[column * size + column]! }
  const L = new Float64Array(n * n)
  for (let i = 0; i < n; i++) L.set(A.subarray(i * size, i * size + i + 1), i * n)
  return L
}

/** M in the module with its order rounded up to 4, zero beyond n, and 32 more rows to work in. */
function paddedSquare(M: Float64Array, n: number) {
  const size = roundUp4(n)
  const space = workspace([size * size, 32 * size])
  if (!space) return undefined
  const [at, work] = space.at as [number, number]
  const A = space.numbers(at, size * size).fill(0)
  for (let i = 0; i < n; i++) A.set(M.subarray(i * n, (i + 1) * n), i * size)
  return { A, at, work, size, kernels: space.kernels }
}

/** Numbers of z, d, e and the panels of the tridiagonalisation. */
function tridiagonalSize(n: number): number {
  return (3 + 4 * PANEL) * roundUp4(n)
}

function reduce(space: Workspace, A: number, work: number, n: number, out: Tridiagonal): void {
  const size = roundUp4(n)
  const [d, e, panels] = [work + 8 * size, work + 16 * size, work + 24 * size]
  const vector = space.numbers(work, size).fill(0)
  vector.set(out.rotated)
  space.kernels.tridiagonalize(A, n, work, d, e, panels, PANEL)
  out.rotated.set(vector.subarray(0, out.rotated.length))
  out.diagonal.set(space.numbers(d, n))
  out.offDiagonal.set(space.numbers(e, out.offDiagonal.length))
}

/** Slices of equal depth, at most DEPTH, that cover the rows of J. */
function gramDepth(rows: number): number {
  return Math.ceil(rows / Math.max(1, Math.ceil(rows / DEPTH)))
}

function addGram(
  space: Workspace,
  A: number,
  strip: number,
  panels: number,
  J: FloatArray,
  rows: number,
  cols: number,
  transposed: boolean,
): void {
  const { kernels } = space
  kernels.clear(A, packedSize(cols))
  const depth = gramDepth(rows)
  for (let from = 0; from < rows; from += depth) {
    const k = Math.min(depth, rows - from)
    if (transposed) {
      copyBlock(space, strip, J, from, rows, cols, k)
      kernels.panelsOfRows(strip, k, cols, k, panels)
    } else {
      copyBlock(space, strip, J, from * cols, cols, k, cols)
      kernels.panelsOfColumns(strip, k, cols, cols, panels)
    }
    kernels.addGram(panels, k, roundUp4(cols) / 4, A)
  }
}

/** Copies `height` rows of `width` numbers, `stride` apart in `source`, packed to byte offset `at`. */
function copyBlock(
  space: Workspace,
  at: number,
  source: FloatArray,
  offset: number,
  stride: number,
  height: number,
  width: number,
): void {
  const target = space.numbers(at, height * width)
  if (stride === width) {
    target.set(source.subarray(offset, offset + height * width))
    return
  }
  for (let i = 0; i < height; i++)
    target.set(source.subarray(offset + i * stride, offset + i * stride + width), i * width)
}
