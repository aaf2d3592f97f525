// What a model-free estimator sees: the neighbours of one point, or a whole data set.

/** Points around (and without) a centre, nearest first, or all points of a set. */
export interface Neighbourhood {
  /** Number of points k. */
  readonly count: number
  /** Ambient dimension D. */
  readonly ambient: number
  /** Their coordinates, k x D row-major; throws `E_ARGUMENT` where `coordinates` is false. */
  readonly points: Float64Array
  /** `false` where only distances are known (`distanceMatrix`): `pairSquares`, `squares` and `gram` are there then. */
  readonly coordinates?: false
  /** Euclidean distances to the centre, ascending [k]; empty for a whole set. */
  readonly distances: Float64Array
  /** Inner products of the points about their mean, k x k, valid until the rule returns. */
  gram?(): Float64Array
  /**
   * Squared distances between the points, k x k, as `squaredDistance` of `@ood/linalg` gives them: bit-equal for tied
   * pairs, 0 between copies. Valid until the rule returns.
   */
  pairSquares?(): Float64Array
  /** Squared distances to the centre [k], as `squaredDistance` gives them; `distances` are their square roots. */
  squares?(): Float64Array
}

/** A built-in estimator by name with its options: plain data, so that worker threads can make it again. */
export interface RuleSpec {
  readonly estimator: string
  readonly options: object
}

/** A model-free dimension estimator: one number from one neighbourhood. */
export interface DimensionRule {
  readonly name: string
  /** Present on the built-in rules, which run on all cores; a rule without it runs on the calling thread. */
  readonly spec?: RuleSpec
  dimension(neighbourhood: Neighbourhood): number
}
