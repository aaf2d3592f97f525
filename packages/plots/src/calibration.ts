// How the scale was chosen: the mean training LID over the scales, with every candidate marked on it.

import { checkLength, checkNumber, checkNumbers } from './internal/check.ts'
import { flagLayers, levelLayers } from './internal/flags.ts'
import { framed, frameSize } from './internal/frame.ts'
import { checkedScales, type MarkedLid, type MarkedScale } from './lid-curve.ts'
import type { PlotFrame, PlotSpec } from './spec.ts'
import { seriesStyle } from './splits.ts'

/** Options of `calibrationPlot`. */
export interface CalibrationOptions extends PlotFrame {
  /** The S scales, ascending: logs of a standard deviation. */
  scales: ArrayLike<number>
  /** Mean LID of the training images at each scale. */
  meanLid: ArrayLike<number>
  /** Candidate scales with the name of the rule that found them; the one that was taken has `chosen`. */
  candidates: readonly (MarkedScale & { chosen?: boolean })[]
  /** The model-free target of the calibration, for example lPCA of the training set. */
  target?: MarkedLid | undefined
  xTitle?: string | undefined
  yTitle?: string | undefined
}

/**
 * The mean training LID against the scale with all candidate scales as labelled lines and points on the curve
 * (calibration by bisection, plateau, knee, fixed: Kamkari et al., compared on training data only).
 *
 * @throws OodError `E_EMPTY`, `E_SHAPE` or `E_NOT_FINITE` naming the list, `E_ARGUMENT` for scales not ascending
 * @example
 * calibrationPlot({ title: 'Where to read the dimension', scales, meanLid,
 *   candidates: [{ scale: -3, label: 'fixed' }, { scale: -2.2, label: 'knee', chosen: true }],
 *   target: { lid: 222, label: 'lPCA of the training set' } })
 */
export function calibrationPlot(options: CalibrationOptions): PlotSpec {
  const { meanLid, candidates, target } = options
  const size = frameSize(options)
  const scales = checkedScales('calibration', options.scales)
  checkLength('calibration meanLid', scales.length, meanLid)
  checkNumbers('calibration meanLid', meanLid)
  for (const { scale, label } of candidates) checkNumber(`calibration candidate ${label}`, scale)
  if (target) checkNumber(`calibration target ${target.label}`, target.lid)

  const domain = [scales[0]!, scales.at(-1)!] as const
  const shown = candidates.filter(({ scale }) => scale >= domain[0] && scale <= domain[1])
  const { color } = seriesStyle({ name: 'in_distr_train' }, 0)
  const x = {
    field: 'scale',
    type: 'quantitative',
    title: options.xTitle ?? 'scale: log of the standard deviation',
    scale: { domain, nice: false, zero: false },
  }
  const y = { field: 'lid', type: 'quantitative', title: options.yTitle ?? 'mean LID of training images' }
  const curve = scales.map((scale, i) => ({ scale, lid: meanLid[i]! }))
  const points = shown.map(({ scale, chosen = false }) => ({ scale, lid: interpolate(scales, meanLid, scale), chosen }))
  const flags = shown.map(({ scale, label, chosen }) => ({
    x: scale,
    label: `${label}: ${scale.toFixed(2).replace('-', '\u2212')}${chosen ? ' (chosen)' : ''}`,
  }))
  const [levelLine, levelText] = levelLayers(target && { y: target.lid, label: target.label }, size)
  return framed(
    options,
    size,
    [],
    [
      { data: { values: curve }, mark: { type: 'line', strokeWidth: 2.4, color }, encoding: { x, y } },
      ...levelLine,
      ...flagLayers(flags, domain, size),
      ...levelText,
      {
        data: { values: points },
        mark: { type: 'point', filled: true, opacity: 1, stroke: '#ffffff', strokeWidth: 1 },
        encoding: {
          x,
          y,
          color: { condition: { test: 'datum.chosen', value: '#D55E00' }, value: color },
          size: { condition: { test: 'datum.chosen', value: 130 }, value: 70 },
        },
      },
    ],
  )
}

function interpolate(xs: readonly number[], ys: ArrayLike<number>, x: number): number {
  const right = Math.max(
    1,
    xs.findIndex((value) => value >= x),
  )
  const [x0, x1] = [xs[right - 1]!, xs[right]!]
  return ys[right - 1]! + ((ys[right]! - ys[right - 1]!) * (x - x0)) / (x1 - x0)
}
