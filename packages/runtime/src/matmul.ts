// Matrix products on onnxruntime, behind the interface that neighbour searches ask for.
import { type MatmulBackend, unknownName } from '@ood/core'
import { graphBuilder, int, writeModel } from '@ood/onnx'
import { openSession } from './session.ts'

/** Options of {@link openMatmul}. */
export interface MatmulOptions {
  /** Arithmetic inside (default `float64`). `float32` is about twice as fast and as accurate as its unit roundoff says. */
  type?: 'float32' | 'float64' | undefined
  /** Threads (default: one per core). */
  threads?: number | undefined
}

/** A matrix product to be given back after use. */
export interface OpenMatmul extends MatmulBackend {
  /** Frees the engine's memory. */
  release(): Promise<void>
}

const FLOAT = 1
const DOUBLE = 11

/**
 * Opens onnxruntime's matrix product as a `MatmulBackend`, for `@ood/lid` and whoever else takes one.
 *
 * Numbers go in and come out as float64; with `float32` the engine converts them. Products block the calling thread.
 *
 * @throws OodError `E_UNKNOWN_NAME` for a type other than the two, `E_ARGUMENT` for threads
 * @example
 * const matmul = await openMatmul({ threads: 2 })
 * const table = await findNeighbours(images, 100, { matmul })
 * await matmul.release()
 */
export async function openMatmul(options: MatmulOptions = {}): Promise<OpenMatmul> {
  const { type = 'float64', threads } = options
  if (type !== 'float32' && type !== 'float64') throw unknownName('matmul type', type, ['float32', 'float64'])
  const session = await openSession(productGraph(type), {
    name: 'matrix product',
    threads,
  })
  return {
    name: `onnxruntime ${type}`,
    unitRoundoff: type === 'float32' ? 2 ** -24 : 2 ** -53,
    async multiplyTransposed(A, B, rows, inner, cols) {
      // The engine has no kernel for a product of nothing.
      if (rows === 0 || inner === 0 || cols === 0) return new Float64Array(rows * cols)
      const { C } = await session.run({ A: { data: A, shape: [rows, inner] }, B: { data: B, shape: [cols, inner] } })
      return C!.data as Float64Array
    },
    release: () => session.release(),
  }
}

/** A [M, K], B [N, K] -> A Bᵀ [M, N], float64 at the boundary. */
function productGraph(type: 'float32' | 'float64'): Uint8Array {
  const g = graphBuilder()
  const inputs = [g.input('A', 'float64', ['M', 'K']), g.input('B', 'float64', ['N', 'K'])]
  const single = type === 'float32'
  const factors = single ? inputs.map((input) => g.op('Cast', [input], { to: int(FLOAT) })) : inputs
  const product = g.op('Gemm', factors, { transB: int(1) })
  g.output('C', single ? g.op('Cast', [product], { to: int(DOUBLE) }) : product)
  return writeModel(g.model())
}
