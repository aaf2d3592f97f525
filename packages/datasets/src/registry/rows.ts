// Which rows of a data set a call wants: all, a list, or a random subset fixed by a seed.
import { mismatch, permutation, random } from '@ood/core'

/**
 * Row numbers in 0..count-1. Without `indices` and `limit`: all. `limit` takes the first `limit` of a random order
 * fixed by `seed` (default 0), so a smaller subset is the beginning of a larger one of the same seed, and two runs see
 * the same rows (the reference draws them unseeded).
 */
export function chooseRows(
  count: number,
  options: { indices?: ArrayLike<number> | undefined; limit?: number | undefined; seed?: number | undefined },
): Int32Array {
  const { indices, limit } = options
  if (indices && limit !== undefined) {
    throw mismatch('E_ARGUMENT', 'loadDataset', 'either indices or limit', 'both')
  }
  if (indices) {
    for (let i = 0; i < indices.length; i++) {
      const row = indices[i]!
      if (!(Number.isInteger(row) && row >= 0 && row < count)) {
        throw mismatch('E_ARGUMENT', 'indices', `rows 0..${count - 1}`, row)
      }
    }
    return Int32Array.from(indices)
  }
  if (limit === undefined) return Int32Array.from({ length: count }, (_, i) => i)
  if (!(Number.isInteger(limit) && limit > 0)) throw mismatch('E_ARGUMENT', 'limit', 'a positive integer', limit)
  return permutation(random(options.seed ?? 0), count).slice(0, limit)
}
