// The seam between distance computations and whatever multiplies matrices fastest here.

/**
 * Something that multiplies matrices. `@ood/linalg` has one in WebAssembly SIMD (`wasmMatmul`), `@ood/runtime` one on
 * onnxruntime (`openMatmul`); whoever computes distances takes either and stays free of native code.
 */
export interface MatmulBackend {
  /** For messages and logs. */
  readonly name: string
  /**
   * Half the gap between 1 and the next number of the arithmetic inside: 2^-53 for float64, 2^-24 for float32.
   * Callers bound the rounding error of a product by it, so that a fast float32 backend gives exact neighbours too.
   */
  readonly unitRoundoff: number
  /**
   * A Bᵀ: every row of A times every row of B.
   *
   * @param A - rows x inner, row-major, finite numbers
   * @param B - cols x inner, row-major, finite numbers
   * @returns rows x cols, row-major
   *
   * Cost 2 rows · inner · cols flops.
   */
  multiplyTransposed(
    A: Float64Array,
    B: Float64Array,
    rows: number,
    inner: number,
    cols: number,
  ): Promise<Float64Array> | Float64Array
}
