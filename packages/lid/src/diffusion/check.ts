// Argument checks of the diffusion estimators.
import { mismatch } from '@ood/core'

/** Throws `E_ARGUMENT` unless every number is larger than the one before it. */
export function assertIncreasing(what: string, values: ArrayLike<number>): void {
  for (let i = 1; i < values.length; i++)
    if (!(values[i]! > values[i - 1]!))
      throw mismatch('E_ARGUMENT', what, 'increasing numbers', `${values[i]} at position ${i}`)
}
