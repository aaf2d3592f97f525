// Scores of training rows by fits that did not see them: what a threshold set on training images may look at.
import { OodError } from '@ood/core'
import { type Columns, columnRows, takeColumns } from './columns.ts'
import type { Method } from './method.ts'

/** Parts that the training rows are cut into. */
const FOLDS = 5

/**
 * The score of every training row by the method fitted on the other four fifths (row i is in part i mod 5). A density of
 * many statistics scores the rows that it was fitted on lower than others of the same kind, so a threshold on its own
 * scores of them flags far more than its nominal share. A method with `trainingScore` says itself what its scores of
 * training rows are worth. Where a method learns nothing, or measures for fitting what it does not measure for scoring,
 * the scores are those of the one fit. Cost: five fits, no model.
 *
 * @param columns - what scoring sees of the training rows
 * @param fit - the method fitted on all of them
 * @example
 * const scores = heldOutScores(method, columns, fit) // of rows that each fit left out
 */
export function heldOutScores<Fit, Input>(method: Method<Fit, Input>, columns: Columns, fit: Fit): Float64Array {
  if (method.trainingScore) return method.trainingScore(columns, fit)
  const own = (): Float64Array => method.score(columns, fit)
  const rows = columnRows(columns)
  const [before, after] = [method.needs(), method.needs(fit)]
  const same = Object.entries(before).every(([prefix, { key }]) => after[prefix]?.key === key)
  if (method.initial !== undefined || !same || rows < 2 * FOLDS) return own()
  const scores = new Float64Array(rows)
  try {
    for (let fold = 0; fold < FOLDS; fold++) {
      const all = Array.from({ length: rows }, (_, row) => row)
      const out = all.filter((row) => row % FOLDS === fold)
      const rest = takeColumns(
        columns,
        all.filter((row) => row % FOLDS !== fold),
      )
      const found = method.score(takeColumns(columns, out), method.fit(rest))
      out.forEach((row, i) => {
        scores[row] = found[i]!
      })
    }
  } catch (error) {
    // Four fifths may be too few for a method that all of them were enough for.
    if (!(error instanceof OodError)) throw error
    return own()
  }
  return scores
}
