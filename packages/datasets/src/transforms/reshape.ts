// Transforms that move no number: flatten and identity.
import { mismatch } from '@ood/core'
import type { Step } from '../internal/step.ts'

/** [N, ...shape] to [N, D]. The way back needs `shape`, so without it `inverse` is refused. */
export function flatten(shape?: readonly number[]): Step {
  return {
    spec: { name: 'flatten', ...(shape ? { shape } : {}) },
    noisy: false,
    forward() {},
    inverse() {},
    outputShape(from) {
      if (shape && from.join() !== shape.join())
        throw mismatch('E_SHAPE', 'flatten', `rows of shape [${shape}]`, `[${from}]`)
      return [from.reduce((product, n) => product * n, 1)]
    },
    inputShape(from) {
      const size = from.reduce((product, n) => product * n, 1)
      if (!shape)
        throw mismatch('E_ARGUMENT', 'flatten inverse', "the rows' shape in the spec, like [1, 28, 28]", 'none')
      if (shape.reduce((product, n) => product * n, 1) !== size)
        throw mismatch('E_SHAPE', 'flatten inverse', `rows of ${shape.join(' x ')}`, size)
      return shape
    },
  }
}

/** y = x. */
export function identity(): Step {
  return { spec: { name: 'identity' }, noisy: false, forward() {}, inverse() {} }
}
