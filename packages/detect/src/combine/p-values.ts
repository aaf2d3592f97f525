// A method that combines conformal p-values of statistics, two-sided each.
import { mismatch, type NdArray, tensor } from '@ood/core'
import type { Method } from '../method.ts'
import { packNumbers, unpackNumbers } from '../pack.ts'
import { wrongField } from '../stored.ts'
import { type FisherCorrection, fisherCorrection, logCombined, type PValueRule, pValueRules } from './conformal.ts'
import { tailedPValues } from './p-value-tail.ts'
import { varies } from './standardise.ts'
import { needsOf, type Statistic, type StatisticTable, statisticTable } from './statistic.ts'

/** Reference values of every number, and the dependence of their p-values. */
export interface PValueFit {
  statistics: string[]
  /** [K, n] packed: values number by number. */
  reference: string
  /** Numbers that vary. */
  kept: number[]
  fisher: FisherCorrection
}

/**
 * Score = -log p, p the combination (`combinePValues`) of the two-sided conformal p-values of every statistic among the
 * training rows. With reference rows that the models were not trained on, `bonferroni` and `harmonic` keep
 * P(p <= a) <= a under any dependence (Bates et al. 2023, Annals of Statistics 51, for conformal p-values), for every a
 * that n rows can tell, a >= 2 / (n + 1) in each statistic.
 *
 * Conformal p-values end there, and K of them combined may end at 1: 70 numbers and 100 rows give no p below 1. The score
 * goes on. Beyond the last reference value of a statistic its p falls with the distance in robust spreads
 * (`tailedPValues`), and the combination is not cut at 1, so rows keep an order with any number of training rows. What
 * `predict` gives as p-value is that of the score among the detector's reference scores, never below 1 / (n + 1).
 * Fitting O(K n log n).
 *
 * @param rule - `bonferroni` (default), `fisher` with Brown's correction, `harmonic`, `cauchy`
 * @example
 * const method = pValuesOf([logProb, complexity, lid], { rule: 'cauchy' })
 */
export function pValuesOf<Input = NdArray>(
  statistics: readonly Statistic<Input>[],
  options: { rule?: PValueRule | undefined } = {},
): Method<PValueFit, Input> {
  const { rule = 'bonferroni' } = options
  if (!pValueRules.includes(rule)) throw mismatch('E_ARGUMENT', 'pValuesOf rule', pValueRules.join(', '), rule)
  const needs = needsOf(statistics)
  const names = statistics.map(({ name }) => name)
  return {
    name: `ConformalPValues`,
    source: 'Bates et al. 2023',
    settings: { rule, statistics: names },
    needs: () => needs,
    fit(columns) {
      const table = statisticTable(statistics, columns)
      if (table.rows < 2) throw mismatch('E_EMPTY', 'training rows', 'at least 2', table.rows)
      const lists = columnsOf(table)
      const kept = lists.flatMap((list, k) => {
        const sorted = list.slice().sort()
        return varies(sorted.at(-1)! - sorted[0]!, sorted[0]!) ? [k] : []
      })
      if (kept.length === 0) throw mismatch('E_ARGUMENT', 'training statistics', 'values that vary', 'constants')
      const fit = { statistics: names, reference: packNumbers(lists.flatMap((list) => [...list])), kept }
      const none = { factor: 1, degrees: 2 * kept.length }
      return { ...fit, fisher: fisherCorrection(pValues(table, { ...fit, fisher: none })) }
    },
    score(columns, fit) {
      const table = statisticTable(statistics, columns)
      if (table.rows === 0) return new Float64Array(0)
      // Not -0 for p = 1, which JSON would not keep.
      return logCombined(pValues(table, fit), rule, fit.fisher).map((logP) => 0 - logP)
    },
    explain(columns, fit) {
      const table = statisticTable(statistics, columns)
      const lists = pValues(table, fit)
      const values = new Float64Array(table.rows * names.length)
      fit.kept.forEach((k, j) => {
        const s = table.owner[k]!
        for (let row = 0; row < table.rows; row++) {
          const at = row * names.length + s
          values[at] = Math.max(values[at]!, -Math.log(lists[j]![row]!))
        }
      })
      return { parts: names, values: tensor(values, [table.rows, names.length]) }
    },
    parseFit,
  }

  function parseFit(value: unknown): PValueFit {
    const { statistics: stored, reference, kept, fisher } = (value ?? {}) as PValueFit
    if (!Array.isArray(stored) || stored.join() !== names.join())
      throw wrongField('fit.statistics', names.join(', '), stored)
    unpackNumbers('detector state fit.reference', reference)
    if (!(Array.isArray(kept) && kept.length > 0 && kept.every((k) => Number.isSafeInteger(k) && k >= 0)))
      throw wrongField('fit.kept', 'a list of numbers', kept)
    if (!(fisher?.factor > 0 && fisher.degrees > 0)) throw wrongField('fit.fisher', 'factor and degrees', fisher)
    return { statistics: names, reference, kept, fisher }
  }
}

/** Two-sided p-values of the numbers that vary, with tails, each a list over the rows. */
function pValues(table: StatisticTable, { reference, kept }: PValueFit): Float64Array[] {
  const known = unpackNumbers('detector state fit.reference', reference)
  const lists = columnsOf(table)
  const n = known.length / Math.max(1, table.width)
  return kept.map((k) => {
    return tailedPValues(known.subarray(k * n, (k + 1) * n), lists[k]!)
  })
}

function columnsOf({ values, rows, width }: StatisticTable): Float64Array[] {
  return Array.from({ length: width }, (_, k) =>
    Float64Array.from({ length: rows }, (_, row) => values[row * width + k]!),
  )
}
