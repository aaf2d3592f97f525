// Neighbours for estimators of whole data sets: from a shared table, or searched for.
import { mismatch, type NdArray, OodError, rowCount } from '@ood/core'
import { findNeighbours, firstNeighbours } from '../find-neighbours.ts'
import type { GlobalOptions, NeighbourTable, SearchOptions } from '../neighbour-table.ts'
import { picked, SEARCH_OPTIONS } from './options.ts'

/** The k nearest neighbours of every point. */
export async function neighboursFor(
  what: string,
  x: NdArray,
  options: GlobalOptions,
  k: number,
): Promise<NeighbourTable> {
  const { table } = options
  if (table) {
    if (table.data.shape.join() !== x.shape.join())
      throw mismatch('E_SHAPE', `${what} table`, `a table of data of shape [${x.shape}]`, `[${table.data.shape}]`)
    return firstNeighbours(table, k)
  }
  const n = rowCount(x)
  if (n === 0) throw new OodError('E_EMPTY', `${what}: expected at least one point, got none`)
  if (k >= n) throw mismatch('E_ARGUMENT', `${what} neighbours`, `fewer than the ${n} points`, k)
  return findNeighbours(x, k, picked<SearchOptions>(options, SEARCH_OPTIONS))
}
