// Rows as the WebAssembly kernels of distances read them: pairs of numbers.

/** Rows of d numbers to rows of an even number of them, zero at the end. */
export function copyEven(target: Float64Array, source: ArrayLike<number>, count: number, d: number): void {
  if (d % 2 === 0) {
    target.set(source)
    return
  }
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < d; j++) target[i * (d + 1) + j] = source[i * d + j]!
    target[i * (d + 1) + d] = 0
  }
}
