// The matrix product of this package behind the interface that other packages ask for.
import type { MatmulBackend } from '@ood/core'
import { product } from './matmul.ts'

/**
 * The default matrix product: WebAssembly SIMD in float64 on the calling thread (plain TypeScript without it).
 *
 * About 10 GFLOP/s a core; `openMatmul` of `@ood/runtime` is several times faster where native code is welcome.
 *
 * @example
 * wasmMatmul.multiplyTransposed(Float64Array.of(1, 2), Float64Array.of(3, 4), 1, 2, 1) // [11]
 */
export const wasmMatmul: MatmulBackend = {
  name: 'WebAssembly SIMD',
  unitRoundoff: 2 ** -53,
  multiplyTransposed: (A, B, rows, inner, cols) => product(A, B, rows, inner, cols, true),
}
