// What a synthetic manifold is: a recipe whose geometry a seed fixes, and the points with known dimension drawn from it.
import type { NdArray, Random } from '@ood/core'

/** Writes one point into `out` from position `at` on, and returns the number of the component it lies on. */
export type PointSampler = (rng: Random, out: Float64Array, at: number) => number

/** A manifold, or several, in R^D. */
export interface Manifold {
  readonly name: string
  /** Shape of one point: [D], or [C, H, W] for images. */
  readonly shape: readonly number[]
  /** True local intrinsic dimension on each component. */
  readonly dimensions: readonly number[]
  /** Draws whatever is random about the geometry (projections, modes, maps) and returns the sampler of points. */
  build(geometry: Random): PointSampler
}

/** Points of a manifold with what is known of them. */
export interface ManifoldPoints {
  /** [N, ...shape]. */
  points: NdArray<Float64Array>
  /** True local intrinsic dimension of each point [N]. */
  lid: Float64Array
  /** Number of the component of each point [N]: an index of `Manifold.dimensions`. */
  component: Int32Array
}

/** An invertible smooth map of R^D, applied in place. */
export type PointMap = (x: Float64Array) => void

/** A map family: draws one member's parameters for dimension `d`. */
export type Diffeomorphism = (rng: Random, d: number) => PointMap
