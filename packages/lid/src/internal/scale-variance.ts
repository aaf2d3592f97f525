// Scales are logs of a standard deviation; here they become variances that stay inside the range of a double.
import { mismatch } from '@ood/core'

/** e^{2 scale}, kept positive and finite for any scale (|scale| beyond 350 changes nothing any more). */
export function variance(what: string, scale: number): number {
  if (typeof scale !== 'number' || Number.isNaN(scale))
    throw mismatch('E_ARGUMENT', what, 'a number (log of a standard deviation)', scale)
  return Math.exp(2 * Math.max(-350, Math.min(350, scale)))
}
