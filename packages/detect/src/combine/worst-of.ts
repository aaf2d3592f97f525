// Several methods' scores as one: each standardised on training rows, the one furthest out decides.
import { mismatch, type NdArray, OodError, tensor } from '@ood/core'
import { type Columns, columnRows } from '../columns.ts'
import type { Needs } from '../measurement.ts'
import type { Method } from '../method.ts'
import { wrongField } from '../stored.ts'
import { varies } from './standardise.ts'

/** What one member learnt: its own fit, and mean and spread of its score over training rows. */
export interface WorstOfMember {
  name: string
  fit: unknown
  mean: number
  standardDeviation: number
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
  if (members.length === 0) throw new OodError('E_EMPTY', `${name}: expected at least one method, got none`)
  const labels = members.map((method, k) =>
    members.some((other, j) => j !== k && other.name === method.name) ? `${method.name}-${k}` : method.name,
  )
  const prefixed = (k: number, needs: Needs<Input>): Needs<Input> =>
    Object.fromEntries(Object.entries(needs).map(([prefix, entry]) => [`${k}.${prefix}`, entry]))
  const own = (k: number, columns: Columns): Columns =>
    Object.fromEntries(
      Object.entries(columns).flatMap(([column, values]) =>
        column.startsWith(`${k}.`) ? [[column.slice(`${k}.`.length), values]] : [],
      ),
    )
  const standard = (columns: Columns, fits: readonly WorstOfMember[]): Float64Array[] =>
    members.map((method, k) => {
      const { fit, mean, standardDeviation } = fits[k]!
      return method.score(own(k, columns), fit).map((value) => (value - mean) / standardDeviation)
    })
  return {
    name,
    source,
    settings: { members: members.map(({ name: member, settings }) => ({ name: member, settings })) },
    needs: (fits) =>
      Object.assign({}, ...members.map((method, k) => prefixed(k, fits ? method.needs(fits[k]!.fit) : method.needs()))),
    fit(train) {
      const n = columnRows(train)
      if (n < 2) throw mismatch('E_EMPTY', `${name} training rows`, 'at least 2', n)
      return members.map((method, k) => {
        const mine = own(k, train)
        const fit = method.fit(mine)
        const scores = method.score(mine, fit)
        const bad = scores.findIndex((value) => !Number.isFinite(value))
        if (bad >= 0)
          throw mismatch(
            'E_NOT_FINITE',
            `${name} training scores of ${labels[k]}`,
            'finite numbers',
            `${scores[bad]} in row ${bad}`,
          )
        const mean = scores.reduce((sum, value) => sum + value, 0) / n
        const squares = scores.reduce((sum, value) => sum + (value - mean) ** 2, 0)
        const standardDeviation = Math.sqrt(squares / (n - 1))
        if (!varies(standardDeviation, mean))
          throw mismatch('E_ARGUMENT', `${name} training scores of ${labels[k]}`, 'values that vary', `${mean} only`)
        return { name: labels[k]!, fit, mean, standardDeviation }
      })
    },
    score(columns, fits) {
      const all = standard(columns, fits)
      return all[0]!.map((_, row) => Math.max(...all.map((values) => values[row]!)))
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
      return { parts: labels, values: tensor(values, [n, all.length]) }
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
