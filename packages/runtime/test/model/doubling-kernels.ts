// Kernels for the tests of the engine: doubling, which takes as long as it is told.
import type { KernelSet } from '@ood/runtime'

export interface DoublingKernels extends KernelSet {
  double(x: Float64Array, ms: number): Promise<Float64Array>
  both(x: Float64Array): Promise<{ sum: number; twice: Float64Array }>
  fail(): Promise<never>
}

let released = 0

export function releases(): number {
  return released
}

export function openDoubling({ factor }: { factor: number }): DoublingKernels {
  const twice = (x: Float64Array): Float64Array => x.map((value) => factor * value)
  return {
    async double(x, ms) {
      await new Promise((resolve) => setTimeout(resolve, ms))
      return twice(x)
    },
    both: async (x) => ({ sum: x.reduce((a, b) => a + b, 0), twice: twice(x) }),
    async fail() {
      throw new TypeError('no kernel\nat all')
    },
    async release() {
      released++
    },
  }
}
