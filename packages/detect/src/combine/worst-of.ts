// Several methods' scores as one: each standardised on training rows, the one furthest out decides.
import { mean, mismatch, type NdArray, standardDeviation, tensor } from '@ood/core'
import { assertScores } from '../calibration.ts'
import type { Columns } from '../columns.ts'
import type { Method } from '../method.ts'
import { wrongField } from '../stored.ts'
import { membersOf } from './members.ts'
import { varies } from './standardise.ts'

/** Mean and standard deviation of a score over training rows. */
export interface Spread {
  mean: number
  standardDeviation: number
}

/**
 * Mean and standard deviation of each of several scores over the same training rows, for `worst`.
 *
 * @param scores - one array a score, higher = more OOD
 * @throws OodError `E_EMPTY` for no score or fewer than two rows, `E_SHAPE` for lengths that differ, `E_NOT_FINITE`
 *   naming score and row, `E_ARGUMENT` for a score that is the same for all rows
 * @example
 * const spreads = fitWorst([trainNegativeLogLikelihood, trainRatioScore])
 */
export function fitWorst(scores: readonly ArrayLike<number>[], what = 'fitWorst scores'): Spread[] {
  const n = rowsOf(scores, what)
  if (n < 2) throw mismatch('E_EMPTY', `${what}`, 'at least two training rows', n)
  return scores.map((given, k) => {
    const values = Float64Array.from(given)
    const bad = values.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) throw mismatch('E_NOT_FINITE', `${what}[${k}]`, 'finite numbers', `${values[bad]} in row ${bad}`)
    const [centre, spread] = [mean(values), standardDeviation(values)]
    if (!(varies(spread, centre) && Number.isFinite(spread)))
      throw mismatch('E_ARGUMENT', `${what}[${k}]`, 'values that vary over the training rows', `${centre} only`)
    return { mean: centre, standardDeviation: spread }
  })
}

/**
 * max_k (score_k - mean_k) / standardDeviation_k; **higher = more OOD**. O(N) a score.
 *
 * @throws OodError `E_SHAPE` for another number of scores than the fit's, or lengths that differ; `E_NOT_FINITE` for NaN
 * @example
 * const score = worst([negativeLogLikelihood, ratioScore], spreads) // both of the same rows
 */
export function worst(scores: readonly ArrayLike<number>[], spreads: readonly Spread[]): Float64Array {
  const n = rowsOf(scores, 'worst scores')
  if (scores.length !== spreads.length)
    throw mismatch('E_SHAPE', 'worst scores', `${spreads.length} scores, as the fit has`, scores.length)
  for (const [k, values] of scores.entries()) assertScores(`worst scores[${k}]`, values)
  return Float64Array.from({ length: n }, (_, row) =>
    scores.reduce((most, values, k) => {
      const { mean, standardDeviation } = spreads[k]!
      return Math.max(most, (values[row]! - mean) / standardDeviation)
    }, Number.NEGATIVE_INFINITY),
  )
}

/** What one member learnt: its own fit, and mean and spread of its score over training rows. */
export interface WorstOfMember extends Spread {
  name: string
  fit: unknown
}

/**
 * Score = max over methods of (score - mean) / standard deviation, means and deviations over training rows.
 *
 * Single scores are one-sided or blind somewhere; either being out of place is enough. With likelihood and LID this is
 * the dual threshold of Kamkari et al. 2024 as one number, with a likelihood ratio in LID's place it covers images that
 * are too complex as well as too simple ones.
 *
 * @param methods - at least one; what they need is measured once where they share it
 * @throws OodError `E_EMPTY` for none, `E_ARGUMENT` for equal names or a score that is the same for all training rows,
 *   `E_NOT_FINITE` naming method and row for a training score that is not finite
 * @example
 * const joint = worstOf([likelihood({ flow }), likelihoodRatio({ semantic, background })])
 */
export function worstOf<Input = NdArray>(
  methods: readonly Method<never, Input>[] | readonly Method<unknown, Input>[],
  { name = 'WorstOf', source = 'Kamkari et al. 2024' }: { name?: string; source?: string } = {},
): Method<WorstOfMember[], Input> {
  const members = methods as readonly Method<unknown, Input>[]
  const { labels, models, settings, needs, own } = membersOf(name, members)
  const standard = (columns: Columns, fits: readonly WorstOfMember[]): Float64Array[] =>
    members.map((method, k) => {
      const { fit, mean, standardDeviation } = fits[k]!
      return method.score(own(k, columns), fit).map((value) => (value - mean) / standardDeviation)
    })
  return {
    name,
    source,
    models,
    settings,
    needs,
    fit(train) {
      const fits = members.map((method, k) => method.fit(own(k, train)))
      const scores = members.map((method, k) => method.score(own(k, train), fits[k]))
      const spreads = fitWorst(scores, `${name} training scores of ${labels.join(', ')}`)
      return spreads.map((spread, k) => ({ name: labels[k]!, fit: fits[k], ...spread }))
    },
    score(columns, fits) {
      return worst(
        members.map((method, k) => method.score(own(k, columns), fits[k]!.fit)),
        fits,
      )
    },
    explain(columns, fits) {
      const all = standard(columns, fits)
      const n = all[0]!.length
      const values = new Float64Array(n * all.length)
      all.forEach((scores, k) => {
        scores.forEach((value, row) => {
          values[row * all.length + k] = value
        })
      })
      return { parts: [...labels], values: tensor(values, [n, all.length]) }
    },
    parseFit(value) {
      if (!Array.isArray(value) || value.length !== members.length)
        throw wrongField('fit', `${members.length} methods`, Array.isArray(value) ? value.length : value)
      return value.map((entry: WorstOfMember, k) => {
        const { mean, standardDeviation } = entry ?? {}
        if (!Number.isFinite(mean)) throw wrongField(`fit.${k}.mean`, 'a finite number', mean)
        if (!(standardDeviation > 0 && Number.isFinite(standardDeviation)))
          throw wrongField(`fit.${k}.standardDeviation`, 'a positive number', standardDeviation)
        return { name: labels[k]!, fit: members[k]!.parseFit(entry.fit), mean, standardDeviation }
      })
    },
  }
}

/** Rows of the scores, which must agree. */
function rowsOf(scores: readonly ArrayLike<number>[], what: string): number {
  const n = scores[0]?.length
  if (n === undefined) throw mismatch('E_EMPTY', what, 'at least one score', 'none')
  const odd = scores.findIndex((values) => values.length !== n)
  if (odd >= 0) throw mismatch('E_SHAPE', `${what}[${odd}]`, `${n} rows`, scores[odd]!.length)
  return n
}
