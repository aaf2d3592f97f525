// The score: how many bits the model takes beyond what a compressor needs.
import { mismatch } from '@ood/core'

/**
 * S(x) = -log2 p(x) - L(x) in bits, higher = more OOD (Serra et al. 2020, equation 4): the code length
 * under the model minus the code length under a compressor that was never trained. It is a likelihood ratio with the
 * compressor as a universal background model, so a simple image, likely under any smooth model, gains nothing by that.
 *
 * @param logProb - log p of the discrete image, in nats (see `inputComplexity` for densities)
 * @param complexityBits - L of the same images (`complexity(...).bits`)
 * @throws OodError `E_SHAPE` for different lengths
 * @example
 * complexityScore([-1234.5], [680]) // [1101.007...]
 */
export function complexityScore(logProb: ArrayLike<number>, complexityBits: ArrayLike<number>): Float64Array {
  if (logProb.length !== complexityBits.length)
    throw mismatch('E_SHAPE', 'complexityScore complexityBits', `${logProb.length} numbers`, complexityBits.length)
  return Float64Array.from(logProb, (nats, i) => -nats / Math.LN2 - complexityBits[i]!)
}
