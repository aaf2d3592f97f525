// The table of nearest neighbours that estimators share, and the options of what makes or takes one.
import type { CallOptions, MatmulBackend, NdArray } from '@ood/core'

/** How neighbours are searched. */
export interface SearchOptions extends CallOptions {
  /** Estimate at these rows only: how many (chosen by `seed`), or their row numbers. Neighbours come from all rows. */
  queries?: number | ArrayLike<number> | undefined
  /** Estimate at these points instead, which need not be in the data; nothing is left out of their neighbours. */
  at?: NdArray | undefined
  /** First cut the data to this many rows, chosen by `seed`: both points and neighbours. Row numbers stay those of `x`. */
  subsample?: number | undefined
  /** Where products are computed (default: WebAssembly). `openMatmul()` of `@ood/runtime` is faster on large problems. */
  matmul?: MatmulBackend | undefined
  /** Worker threads (default: one per core where the work takes half a second, none below). 1 stays on the calling thread. */
  threads?: number | undefined
}

/** The k nearest neighbours of Q points. Made by `findNeighbours`, used by every estimator. */
export interface NeighbourTable {
  /** Neighbours k of each point. */
  readonly neighbours: number
  /** The data the neighbours come from, after any subsample. */
  readonly data: NdArray
  /** Row numbers in `x` of the Q points, or 0..Q-1 when they were given by `at`. */
  readonly points: Int32Array
  /** Row numbers in `data` of the neighbours, Q x k, nearest first; a row is never its own neighbour, duplicates are. */
  readonly indices: Int32Array
  /** Euclidean distances to them, Q x k. */
  readonly distances: Float64Array
  /** Row numbers in `data` of the Q points; undefined when they were given by `at`. */
  readonly rows: Int32Array | undefined
}

/** Options of estimators of whole data sets. */
export interface GlobalOptions extends Omit<SearchOptions, 'at'> {
  /** A table of `findNeighbours` to share instead of a search. */
  table?: NeighbourTable | undefined
}
