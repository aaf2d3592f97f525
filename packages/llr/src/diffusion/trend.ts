// The average loss against t_frac: how denoising error accumulates from fine to coarse levels, image by image.
import {
  assertOptions,
  CALL_OPTIONS,
  flatData,
  mismatch,
  type NdArray,
  OodError,
  rowCount,
  type ScoreModel,
} from '@ood/core'
import { type DenoisingLosses, denoisingLosses, LOSS_SETTINGS, type LossCall, type LossSettings } from './losses.ts'

/** Options of `averageLossTrend`. */
export interface LossTrendOptions extends Omit<LossSettings, 'fractions'> {
  /** Points of the grid (default 100; the published example has 10). */
  points?: number | undefined
  /** Exponent of the grid (default 1; the published example has 3, which crowds points at little noise). */
  gamma?: number | undefined
}

/** L(t_frac) of every row, and over the rows. */
export interface LossTrend extends DenoisingLosses {
  /** Mean over the rows at every t_frac. */
  mean: Float64Array
  /** Standard deviation over the rows (n - 1); 0 for one row. */
  standardDeviation: Float64Array
}

/** Smallest t_frac of a published grid, and what its largest is short of 1. */
const MARGIN = 1e-6

/**
 * The published grid of t_frac: linspace(0, 1 - 1e-6, n)^gamma + 1e-6.
 *
 * @throws OodError `E_ARGUMENT` for fewer than two points or a gamma below 1, whose grid would end above 1
 * @example
 * trendGrid(10, 3)[1] // 0.001373
 */
export function trendGrid(points = 100, gamma = 1): Float64Array {
  if (!(Number.isSafeInteger(points) && points >= 2))
    throw mismatch('E_ARGUMENT', 'trendGrid points', 'an integer of at least 2', points)
  if (!(gamma >= 1 && Number.isFinite(gamma)))
    throw mismatch('E_ARGUMENT', 'trendGrid gamma', 'a number of at least 1', gamma)
  return Float64Array.from({ length: points }, (_, i) =>
    Math.min(1, ((1 - MARGIN) * (i / (points - 1))) ** gamma + MARGIN),
  )
}

/**
 * L(t_frac) of every row on the published grid, and its mean and spread over the rows. All of the grid comes from one
 * set of evaluations (`probes` a row, default 4 a point); grid points at or below tMin / T, where the process is not
 * used, are left out, and 1 is added. `compat: 'reference'` has the whole grid, each point with its own draws, which
 * costs `points` times as much.
 *
 * @throws OodError `E_EMPTY` without rows, and as `denoisingLosses` and `trendGrid`
 * @example
 * const { fractions, mean } = await averageLossTrend(model, rows, { points: 20, gamma: 3 })
 */
export async function averageLossTrend(
  model: ScoreModel,
  x: NdArray,
  options: LossTrendOptions = {},
  call: LossCall = {},
): Promise<LossTrend> {
  assertOptions('averageLossTrend', options, [
    ...LOSS_SETTINGS.filter((name) => name !== 'fractions'),
    'points',
    'gamma',
  ])
  assertOptions('averageLossTrend call', call, CALL_OPTIONS)
  const { points, gamma, ...settings } = options
  if (rowCount(x) === 0) throw new OodError('E_EMPTY', 'averageLossTrend x: expected at least one row, got none')
  const grid = trendGrid(points, gamma)
  const { tMin, tMax } = model.sde
  const fractions = settings.compat ? grid : grid.filter((fraction) => fraction * tMax > tMin)
  const losses = await denoisingLosses(
    model,
    x,
    { probes: settings.compat ? 100 : 4 * (fractions.length + 1), ...settings, fractions },
    call,
  )
  return { ...losses, ...moments(losses) }
}

function moments({ loss, fractions }: DenoisingLosses): Pick<LossTrend, 'mean' | 'standardDeviation'> {
  const values = flatData(loss)
  const k = fractions.length
  const n = values.length / k
  const mean = new Float64Array(k)
  const squares = new Float64Array(k)
  for (let i = 0; i < n; i++) {
    for (let column = 0; column < k; column++) {
      const before = values[i * k + column]! - mean[column]!
      mean[column] = mean[column]! + before / (i + 1)
      squares[column] = squares[column]! + before * (values[i * k + column]! - mean[column]!)
    }
  }
  return { mean, standardDeviation: squares.map((sum) => (n > 1 ? Math.sqrt(sum / (n - 1)) : 0)) }
}
