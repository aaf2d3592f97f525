// What all combinations of statistics share: reading them, standardising them, and the frame of a method.
import { mismatch, type NdArray } from '@ood/core'
import type { Columns } from '../columns.ts'
import type { Explanation, Method } from '../method.ts'
import { wrongField } from '../stored.ts'
import { fitStandardisation, parseStandardisation, type Standardisation, standardise } from './standardise.ts'
import { needsOf, type Statistic, statisticTable, tableBatch } from './statistic.ts'

/** A fitted combination: the scale of every statistic, and what its density keeps. */
export interface CombinationFit<Kept> {
  /** Names of the statistics, in order. */
  statistics: string[]
  scale: Standardisation
  kept: Kept
}

/** Standardised statistics of N rows: [N, width], and which statistic each number is of. */
export interface Standardised {
  z: Float64Array
  rows: number
  width: number
  /** Index of the statistic of each number. */
  owner: number[]
}

/** How standardised statistics become a score. */
export interface DensityRule<Kept> {
  fit(train: Standardised): Kept
  score(x: Standardised, kept: Kept): Float64Array
  /** Scores of the training rows where `score` would flatter them. */
  trainingScore?(train: Standardised, kept: Kept): Float64Array
  /** What each statistic adds, [rows, statistics]. */
  explain(x: Standardised, kept: Kept, statistics: number): Float64Array
  parse(value: unknown, width: number): Kept
}

/** The method of a density rule over statistics. */
export function combination<Kept, Input = NdArray>(
  name: string,
  source: string,
  settings: Readonly<Record<string, unknown>>,
  statistics: readonly Statistic<Input>[],
  rule: DensityRule<Kept>,
): Method<CombinationFit<Kept>, Input> {
  const needs = needsOf(statistics)
  const names = statistics.map((statistic) => statistic.name)
  if (new Set(names).size !== names.length)
    throw mismatch('E_ARGUMENT', `${name} statistics`, 'different names', names.join(', '))
  const read = (columns: Columns, scale: Standardisation): Standardised => {
    const table = statisticTable(statistics, columns)
    const { z, kept } = standardise(table, scale)
    return { z, rows: table.rows, width: kept.length, owner: kept.map((k) => table.owner[k]!) }
  }
  const { trainingScore } = rule
  return {
    name,
    source,
    settings: { ...settings, statistics: names },
    needs: () => needs,
    fit(columns) {
      const scale = fitStandardisation(statisticTable(statistics, columns))
      return { statistics: names, scale, kept: rule.fit(read(columns, scale)) }
    },
    score: (columns, { scale, kept }) => rule.score(read(columns, scale), kept),
    ...(trainingScore && {
      trainingScore: (columns: Columns, { scale, kept }: CombinationFit<Kept>) =>
        trainingScore(read(columns, scale), kept),
    }),
    explain(columns, { scale, kept }): Explanation {
      const values = rule.explain(read(columns, scale), kept, names.length)
      return { parts: names, values: tableBatch(values, names.length) }
    },
    parseFit(value) {
      const { statistics: stored, scale, kept } = (value ?? {}) as Partial<CombinationFit<unknown>>
      if (!Array.isArray(stored) || stored.join() !== names.join())
        throw wrongField('fit.statistics', names.join(', '), stored)
      const standardisation = parseStandardisation(scale)
      const width = standardisation.spread.filter((s) => s > 0).length
      return { statistics: names, scale: standardisation, kept: rule.parse(kept, width) }
    },
  }
}
