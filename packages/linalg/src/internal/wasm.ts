// The WebAssembly SIMD kernels: instantiated once per thread, with one memory that is reused and grows when needed.
import { kernelsBase64 } from './kernels-wasm.ts'

/** What wasm/*.c export; addresses are byte offsets into `memory`. */
interface Exports {
  memory: { buffer: ArrayBuffer; grow(pages: number): number }
  __heap_base: { value: number }
  blockSquares(X: number, m: number, Y: number, n: number, stride: number, same: number, out: number): void
  shortPanels(rows: number, count: number, d: number, factor: number, out: number): void
  shortProducts(
    a: number,
    b: number,
    d: number,
    rows: number,
    columns: number,
    lower: number,
    C: number,
    stride: number,
  ): void
  mirrorShort(C: number, n: number): void
  chooseCandidates(
    P: number,
    low: number,
    spread: number,
    n: number,
    k: number,
    exclude: number,
    slack: number,
    heap: number,
    out: number,
  ): number
  rankCandidates(x: number, Y: number, stride: number, rows: number, count: number, distances: number): void
  distancesOf(x: number, Y: number, stride: number, count: number, distances: number): void
  sortPairs(values: number, rows: number, n: number): void
  centreColumns(M: number, K: number, n: number, mean: number): void
  countWithin(
    P: number,
    low: number,
    spread: number,
    from: number,
    n: number,
    within: number,
    beyond: number,
    R: number,
    counts: number,
    open: number,
  ): number
  largestOf(p: number, n: number): number
  packSymmetric(rows: number, n: number, r0: number, r1: number, A: number): void
  unpackSymmetric(A: number, n: number, r0: number, r1: number, rows: number): void
  tridiagonalize(A: number, n: number, z: number, d: number, e: number, work: number, k: number): void
  panelsOfColumns(M: number, K: number, n: number, stride: number, out: number): void
  panelsOfRows(M: number, K: number, n: number, stride: number, out: number): void
  addGram(panels: number, K: number, blocks: number, A: number): void
  addProduct(a: number, b: number, K: number, rowBlocks: number, colBlocks: number, C: number, stride: number): void
  factorLU(A: number, n: number, work: number): number
  factorCholesky(A: number, n: number, work: number): number
  clear(p: number, n: number): void
  reduceKeeping(A: number, n: number, stride: number, d: number, e: number, tau: number, work: number): void
  applyReflectors(A: number, n: number, stride: number, tau: number, X: number, m: number): void
}

/** The part of the WebAssembly interface used here; the `es2023` library does not declare it. */
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: unknown }
}

const PAGE = 65536
/** Largest memory asked for, in bytes; beyond it the plain kernels run. */
const LARGEST = 2 ** 31 - PAGE

let exports: Exports | undefined
let tried = false

/** Kernels with room for arrays of the given numbers of float64, and the address of each (64-byte aligned). */
export interface Workspace {
  kernels: Exports
  /** Byte offset of each array. */
  at: number[]
  /** View of the numbers from byte offset `at`; valid until the next call of {@link workspace}. */
  numbers(at: number, length: number): Float64Array
}

/**
 * Lays out arrays of `sizes` float64 in the module's memory. Contents are whatever the last call left.
 * Returns `undefined` where WebAssembly SIMD is missing or the memory cannot grow that far.
 */
export function workspace(sizes: readonly number[]): Workspace | undefined {
  const kernels = instance()
  if (!kernels) return undefined
  let end = Math.ceil(kernels.__heap_base.value / 64) * 64
  const at: number[] = []
  for (const size of sizes) {
    at.push(end)
    end += Math.ceil(size / 8) * 64
  }
  if (end > LARGEST) return undefined
  const missing = end - kernels.memory.buffer.byteLength
  if (missing > 0) {
    try {
      kernels.memory.grow(Math.ceil(missing / PAGE))
    } catch {
      return undefined
    }
  }
  const { buffer } = kernels.memory
  return { kernels, at, numbers: (offset, length) => new Float64Array(buffer, offset, length) }
}

function instance(): Exports | undefined {
  if (tried) return exports
  tried = true
  try {
    const api = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly
    const bytes = Uint8Array.from(atob(kernelsBase64), (character) => character.charCodeAt(0))
    exports = new api.Instance(new api.Module(bytes), {}).exports as Exports
  } catch {
    // No WebAssembly, no SIMD, or a page whose policy forbids compiling: the plain kernels take over.
  }
  return exports
}
