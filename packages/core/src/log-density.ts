// A log-density with derivatives by its rows: what probes of a density ask for, and flows provide.
import type { LikelihoodModel } from './interfaces.ts'
import type { CallOptions } from './progress.ts'
import type { NdArray } from './tensor.ts'

/**
 * log p in one fixed space of real numbers, with derivatives by its rows. Rows are real: nothing is dequantised, so
 * calls without randomness give the same numbers whatever the seed.
 */
export interface LogDensity extends LikelihoodModel {
  /** Shape of one row. */
  readonly dataShape: readonly number[]
  /** log p in nats and ∂ log p / ∂x at every row of `x` [N, ...dataShape]. */
  gradient(x: NdArray, options?: CallOptions): Promise<{ logProb: Float64Array; gradient: NdArray }>
  /**
   * Products of the Hessian of log p with K directions for each row.
   *
   * @param x - points [N, ...dataShape]
   * @param v - directions [K, N, ...dataShape]
   * @returns (∂² log p / ∂x²) v as [K, N, ...dataShape]
   */
  hessianProduct?(x: NdArray, v: NdArray, options?: CallOptions): Promise<NdArray>
}

/**
 * A likelihood model of raw rows whose density also stands in a space where it can be differentiated: `density` takes
 * rows that `preprocess` gave (or raw ones where the model has no preprocessing).
 */
export interface DensityModel extends LikelihoodModel {
  readonly density: LogDensity
  /** Rows in the density's space of raw rows, with noise from `seed`; absent where they are the same. */
  preprocess?(x: NdArray, options?: CallOptions): Promise<NdArray>
}
