// Inner products that neighbour search leaves behind for the estimators.

/** Inner products of all pairs of centred rows. */
export interface Products {
  /** n x n. */
  readonly values: Float64Array
  /** Unit roundoff of the arithmetic they come from. */
  readonly unitRoundoff: number
}

/** Rows of data whose pairs are kept at most: 5792² numbers are 268 MB. */
export const KEPT = 5792
