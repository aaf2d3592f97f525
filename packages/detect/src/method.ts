// What an OOD method is: what it needs measured, what it learns of training columns, and its score.
import type { NdArray } from '@ood/core'
import type { Columns } from './columns.ts'
import type { Described } from './described.ts'
import { type MeasureOptions, measureNeeds, type Needs } from './measurement.ts'

/** Why a row scores as it does: for each part (a statistic, a score), how much it adds. */
export interface Explanation {
  /** Names of the parts. */
  parts: readonly string[]
  /** [N, parts]: larger = this part speaks more for OOD. */
  values: NdArray<Float64Array>
}

/**
 * An OOD method in three functions over named columns. Only `needs` reaches models, only training columns reach `fit`,
 * and `score` is pure. So columns are measured once for all methods, a choice can never see evaluation data, and a
 * fitted method is plain JSON.
 */
export interface Method<Fit = unknown, Input = NdArray> {
  /** Name in tables and stored detectors, such as `LikelihoodRatio`. */
  readonly name: string
  /** The paper. */
  readonly source: string
  /** Settings as plain JSON: with them and the same models the method can be made again. */
  readonly settings: Readonly<Record<string, unknown>>
  /** The models it runs, by role: `flow`, `semantic`, `background` ... */
  readonly models?: Readonly<Record<string, object>>
  /** Shape and range of its data where known (`describedBy(models)`). */
  readonly data?: Described
  /** What a method that learns nothing has from the start: such a method scores without `fit`. */
  readonly initial?: Fit | undefined
  /** What `fit` (no argument) or `score` (the fit) wants measured. A method whose scale is fitted asks for that scale. */
  needs(fit?: Fit): Needs<Input>
  /** Learns from training columns. The result is plain JSON. */
  fit(train: Columns): Fit
  /**
   * Fits again on the columns that scoring will see, where those differ from what `fit` saw: a scale chosen from a curve
   * is then measured itself.
   */
  refit?(train: Columns, fit: Fit): Fit
  /** One score a row; higher = more OOD. Infinite is allowed, NaN is an error naming the row. */
  score(columns: Columns, fit: Fit): Float64Array
  /** Scores of the training rows where `score` would flatter them, such as a density that contains the row itself. */
  trainingScore?(train: Columns, fit: Fit): Float64Array
  /** Scores of features, [N, ...featureShape], where the method has them. */
  featureScore?(columns: Columns, fit: Fit): NdArray<Float64Array> | null
  /** What each part adds to the score. */
  explain?(columns: Columns, fit: Fit): Explanation
  /** Checks a fit read from a file. @throws OodError `E_FILE` naming the field that is wrong */
  parseFit(value: unknown): Fit
}

/**
 * Fits a method: has measured what fitting needs, fits, and where scoring wants other columns has those measured and
 * refits.
 *
 * @param measureTrain - gives the columns of needs for the training rows
 * @returns the fit, and the columns that scoring sees of the training rows
 * @example
 * const { fit } = await fitMethod(method, (needs) => measureNeeds(needs, trainImages))
 */
export async function fitMethod<Fit, Input>(
  method: Method<Fit, Input>,
  measureTrain: (needs: Needs<Input>) => Promise<Columns>,
): Promise<{ fit: Fit; columns: Columns }> {
  const before = method.needs()
  const first = await measureTrain(before)
  const fit = method.fit(first)
  const after = method.needs(fit)
  if (Object.entries(after).every(([prefix, { key }]) => before[prefix]?.key === key)) return { fit, columns: first }
  const columns = await measureTrain(after)
  return { fit: method.refit ? method.refit(columns, fit) : fit, columns }
}

/** Columns that a method needs for `x`: for fitting, or with a `fit` for scoring. */
export async function measure<Fit, Input>(
  method: Method<Fit, Input>,
  x: Input,
  options: MeasureOptions = {},
  fit?: Fit,
  known?: Map<string, Columns>,
): Promise<Columns> {
  return await measureNeeds(fit === undefined ? method.needs() : method.needs(fit), x, options, known)
}
