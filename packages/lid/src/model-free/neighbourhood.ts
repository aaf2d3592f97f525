// What a model-free estimator sees: the neighbours of one point, or a whole data set.

/** Points around (and without) a centre, nearest first, or all points of a set. */
export interface Neighbourhood {
  /** Number of points k. */
  readonly count: number
  /** Ambient dimension D. */
  readonly ambient: number
  /** Their coordinates, k x D row-major. */
  readonly points: Float64Array
  /** Euclidean distances to the centre, ascending [k]; empty for a whole set. */
  readonly distances: Float64Array
}

/** A model-free dimension estimator: one number from one neighbourhood. */
export interface DimensionRule {
  readonly name: string
  dimension(neighbourhood: Neighbourhood): number
}
