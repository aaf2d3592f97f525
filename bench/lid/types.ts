// What a cell of the LID benchmark is, and what it leaves in the log.
import type { NdArray } from '@ood/core'

/** Which part of the benchmark a cell belongs to. */
export type Suite = 'model-free' | 'model' | 'images'

/** One estimator on one set with one seed: everything that decides the result, so it is the key of the log. */
export interface Cell {
  suite: Suite
  /** Manifold name, or image set. */
  set: string
  estimator: string
  /** Settings of the estimator, as the report shows them. */
  settings: string
  seed: number
  /** Points the estimator learns from. */
  n: number
  /** Points it is judged on. */
  queries: number
  /** Which weights, for estimators over a model: another checkpoint is another cell. */
  model?: string
}

/** What one cell found. */
export interface Outcome {
  mae: number
  mse: number
  relativeBias: number
  /** 1 where the true dimension is the same everywhere: no pair can be discordant. */
  concordance: number
  meanLid: number
  /** Mean true dimension; absent for real images. */
  meanTruth?: number
  /** Per true dimension: mean estimate. */
  byDimension: Record<string, number>
  /** Milliseconds for all queries, neighbour search included, model loading and training not. */
  ms: number
  /** Images: Spearman's rank correlation of the LID with the size of the PNG, and the interval of the bootstrap. */
  rankCorrelation?: { value: number; low: number; high: number }
}

/** A line of the log. */
export interface Logged {
  key: string
  cell: Cell
  /** Absent when the estimator refused: `error` says why. */
  outcome?: Outcome
  error?: string
  /** 1-minute load average when the cell ended: above the cores, times mean little. */
  load: number
}

/** Points to estimate at: the first `queries` rows of `x`. */
export interface Task {
  x: NdArray
  queries: number
  seed: number
}

/** A model-free estimator: a dimension for each query. One number is the dimension of the whole set. */
export interface Estimator {
  name: string
  settings: string
  run(task: Task): Promise<ArrayLike<number>> | ArrayLike<number>
}

/** Seeds of one estimator on one set. */
export interface Group {
  suite: Suite
  set: string
  estimator: string
  settings: string
  n: number
  queries: number
  outcomes: Outcome[]
  error?: string
}
