// Applies any mutation to a data set batch by batch: the background set of a training.
import {
  assertOptions,
  CALL_OPTIONS,
  type CallOptions,
  concatRows,
  forEachBatch,
  mismatch,
  type NdArray,
  rowCount,
  sliceRows,
} from '@ood/core'
import type { Mutation } from './mutate.ts'

/**
 * A mutated copy of a data set, made in batches by your own mutation or one of the shipped ones (the
 * background set is drawn once, before training). A mutation gets the keys of its rows, so where it draws by `rows` the
 * copy does not depend on the batch size.
 *
 * @param x - rows [N, ...]
 * @param mutation - gives a batch of the same shape
 * @throws OodError `E_SHAPE` when the mutation changes the shape, `E_ABORTED`, `E_ARGUMENT`; what the mutation throws
 * @example
 * const halves = await mutateRows(images, (x, { seed, rows }) => mutateCategorical(x, { rate: 0.5, seed, rows }))
 */
export async function mutateRows(x: NdArray, mutation: Mutation, options: CallOptions = {}): Promise<NdArray> {
  assertOptions('mutateRows', options, CALL_OPTIONS)
  const parts: NdArray[] = []
  const { seed = 0 } = options
  await forEachBatch('mutateRows', rowCount(x), 1024, options, async (from, to) => {
    const batch = sliceRows(x, from, to)
    const rows = Int32Array.from({ length: to - from }, (_, i) => from + i)
    const part = await mutation(batch, { seed, rows })
    if (part.shape.join() !== batch.shape.join())
      throw mismatch('E_SHAPE', 'mutation', `a batch of shape [${batch.shape}]`, `[${part.shape}]`)
    parts.push(part)
  })
  return parts.length === 0 ? sliceRows(x, 0, 0) : concatRows(parts)
}
