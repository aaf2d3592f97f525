// What searches for neighbours fill.

/** Where a search writes: k places a query, query q from place q k on. */
export interface SearchTarget {
  indices: Int32Array
  distances: Float64Array
}
