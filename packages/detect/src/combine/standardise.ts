// Robust standardisation with logarithmic tails: every statistic in spreads from its training median, extremes tamed.
import { mismatch, quantile, standardDeviation } from '@ood/core'
import { wrongField } from '../stored.ts'
import type { StatisticTable } from './statistic.ts'

/** Centre and spread of each number over the training rows. */
export interface Standardisation {
  centre: number[]
  /** 0 for a number that is the same for all training rows: it is left out. */
  spread: number[]
  /** Spreads from the centre beyond which distance counts logarithmically. */
  tail: number
}

/** Distance in spreads from which tails are logarithmic: beyond it training rows are rare. */
const TAIL = 3

/** Whether numbers around `centre` that spread by `spread` differ by more than rounding. */
export function varies(spread: number, centre: number): boolean {
  return spread > 1e-9 * Math.abs(centre) && spread > 1e-300
}

/**
 * Median and spread of every number: the interquartile range over that of a normal distribution (1.349), or the standard
 * deviation where more than half of the rows agree.
 *
 * @throws OodError `E_EMPTY` for fewer than two rows, `E_ARGUMENT` when no number varies over the training rows
 */
export function fitStandardisation(table: StatisticTable, tail: number = TAIL): Standardisation {
  const { values, rows, width, names, owner } = table
  if (rows < 2) throw mismatch('E_EMPTY', 'training rows', 'at least 2', rows)
  const centre: number[] = []
  const spread: number[] = []
  const column = new Float64Array(rows)
  for (let k = 0; k < width; k++) {
    for (let row = 0; row < rows; row++) column[row] = values[row * width + k]!
    const bad = column.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0)
      throw mismatch(
        'E_NOT_FINITE',
        `training statistic ${names[owner[k]!]}`,
        'finite numbers',
        `${column[bad]} in row ${bad}`,
      )
    const sorted = column.slice().sort()
    const middle = quantile(sorted, 0.5)
    const s = robustSpread(sorted, column)
    centre.push(middle)
    spread.push(varies(s, middle) ? s : 0)
  }
  if (spread.every((s) => s === 0))
    throw mismatch('E_ARGUMENT', `training statistics ${names.join(', ')}`, 'values that vary', 'constants')
  return { centre, spread, tail }
}

/**
 * Interquartile range of ascending values over that of a normal distribution (1.349), or their standard deviation where
 * more than half of them agree.
 *
 * @param values - the same values in any order: that of the sum behind the standard deviation
 */
export function robustSpread(sorted: Float64Array, values: Float64Array = sorted): number {
  const spread = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 1.349
  return varies(spread, quantile(sorted, 0.5)) ? spread : standardDeviation(values)
}

/**
 * z = (value - centre) / spread, and beyond the tail t: sign(z) (t + log(1 + |z| - t)), which is continuous with a
 * continuous slope. A log-likelihood of -10⁵ stays far out and no longer drowns everything else.
 *
 * @returns [N, K'] of the numbers that vary, and which of the K they are
 */
export function standardise(
  { values, rows, width }: Pick<StatisticTable, 'values' | 'rows' | 'width'>,
  { centre, spread, tail }: Standardisation,
): { z: Float64Array; kept: number[] } {
  if (rows > 0 && width !== centre.length)
    throw mismatch('E_SHAPE', 'statistics', `${centre.length} numbers a row, as in the fit`, width)
  const kept = spread.flatMap((s, k) => (s > 0 ? [k] : []))
  const z = new Float64Array(rows * kept.length)
  for (let row = 0; row < rows; row++)
    kept.forEach((k, j) => {
      z[row * kept.length + j] = tamed((values[row * width + k]! - centre[k]!) / spread[k]!, tail)
    })
  return { z, kept }
}

/** A distance with logarithmic tails; infinite stays infinite. */
export function tamed(z: number, tail: number): number {
  const size = Math.abs(z)
  return size <= tail ? z : Math.sign(z) * (tail + Math.log(1 + size - tail))
}

/** Checks a standardisation read from a file. */
export function parseStandardisation(value: unknown): Standardisation {
  const { centre, spread, tail } = (value ?? {}) as Partial<Standardisation>
  const numbers = (list: unknown): list is number[] =>
    Array.isArray(list) && list.length > 0 && list.every(Number.isFinite)
  if (!numbers(centre)) throw wrongField('fit.scale.centre', 'a list of finite numbers', centre)
  if (!(numbers(spread) && spread.length === centre.length && spread.every((s) => s >= 0) && spread.some((s) => s > 0)))
    throw wrongField('fit.scale.spread', `${centre.length} numbers >= 0, not all 0`, spread)
  if (!(typeof tail === 'number' && tail > 0 && Number.isFinite(tail)))
    throw wrongField('fit.scale.tail', 'a positive number', tail)
  return { centre, spread, tail }
}
