// LID against scale: the mean curve of each split, the spread of its points, and the scale that was chosen.
import { ascending, mean, mismatch, quantile } from '@ood/core'
import { checkLength, checkNumber, checkNumbers } from './internal/check.ts'
import { type Flag, flagLayers, levelLayers } from './internal/flags.ts'
import { framed, frameSize, seriesChannels } from './internal/frame.ts'
import type { PlotFrame, PlotSpec } from './spec.ts'
import type { Series } from './splits.ts'

/** A scale to mark with a vertical line. */
export interface MarkedScale {
  scale: number
  label: string
}

/** A LID to mark with a horizontal line. */
export interface MarkedLid {
  lid: number
  label: string
}

/** Options of `lidCurvePlot`. */
export interface LidCurveOptions extends PlotFrame {
  /** The S scales of every curve, ascending: logs of a standard deviation. */
  scales: ArrayLike<number>
  /** One curve of S numbers per point of each split. */
  series: readonly (Series & { curves: readonly ArrayLike<number>[] })[]
  /** Quantiles between which the band is filled (default 0.1 and 0.9), or `null` for none. */
  band?: readonly [number, number] | null | undefined
  /** Individual curves drawn thinly per split, evenly taken from the given ones (default 0). */
  samples?: number | undefined
  /** Scales to mark, for example the chosen one. */
  marks?: readonly MarkedScale[] | undefined
  /** A calibration target to mark, for example lPCA of the training set. */
  target?: MarkedLid | undefined
  xTitle?: string | undefined
  yTitle?: string | undefined
}

/**
 * LID curves (Kamkari et al.; one artifact, many scales): a mean line per split over a band between two quantiles of
 * its points, vertical lines at the marked scales and a dashed horizontal one at the target.
 *
 * @throws OodError `E_EMPTY`, `E_NOT_FINITE` or `E_SHAPE` naming the series and point
 * @example
 * lidCurvePlot({
 *   title: 'Clothes fill more dimensions than digits at every scale',
 *   scales,
 *   series: [{ name: 'in_distr_train', curves: train }, { name: 'ood', curves: digits }],
 *   marks: [{ scale: -2.1, label: 'chosen scale' }],
 *   target: { lid: 222, label: 'lPCA of the training set: 222' },
 * })
 */
export function lidCurvePlot(options: LidCurveOptions): PlotSpec {
  const { series, marks = [], target, samples = 0, band = [0.1, 0.9] } = options
  const size = frameSize(options)
  const scales = checkedScales('lidCurve', options.scales)
  const channels = seriesChannels('lidCurve', series, size.width, 'line')
  if (band && !(band[0] >= 0 && band[0] <= band[1] && band[1] <= 1))
    throw mismatch('E_ARGUMENT', 'lidCurve band', 'two ascending quantiles in [0, 1]', band)
  for (const { name, curves } of series) {
    if (curves.length === 0) throw mismatch('E_EMPTY', `lidCurve ${name}`, 'at least one curve', 'none')
    for (const [i, curve] of curves.entries()) {
      checkLength(`lidCurve ${name}[${i}]`, scales.length, curve)
      checkNumbers(`lidCurve ${name}[${i}]`, curve)
    }
  }
  for (const { scale, label } of marks) checkNumber(`lidCurve mark ${label}`, scale)
  if (target) checkNumber(`lidCurve target ${target.label}`, target.lid)

  const means = series.flatMap(({ curves }, k) =>
    scales.map((scale, s) => {
      const column = ascending(curves.map((curve) => curve[s]!))
      const lid = mean(column)
      const spread = band && { low: quantile(column, band[0]), high: quantile(column, band[1]) }
      return { scale, lid, ...spread, series: channels.labels[k]! }
    }),
  )
  const singles = series.flatMap(({ curves }, k) =>
    spread(curves.length, samples).flatMap((i) =>
      scales.map((scale, s) => ({ scale, lid: curves[i]![s]!, curve: i, series: channels.labels[k]! })),
    ),
  )
  const domain = [scales[0]!, scales.at(-1)!] as const
  const x = {
    field: 'scale',
    type: 'quantitative',
    title: options.xTitle ?? 'scale: log of the standard deviation',
    scale: { domain, nice: false, zero: false },
  }
  const yTitle = options.yTitle ?? 'local intrinsic dimension'
  const y = (field: string) => ({ field, type: 'quantitative', title: yTitle })
  const { color, strokeDash } = channels
  const shown = marks.filter(({ scale }) => scale >= domain[0] && scale <= domain[1])
  const [levelLine, levelText] = levelLayers(target && { y: target.lid, label: target.label }, size)
  const notes = band ? [`lines: means; bands: the middle ${Math.round(100 * (band[1] - band[0]))} % of the images`] : []
  return framed(options, size, notes, [
    ...(band
      ? [
          {
            data: { values: means },
            mark: { type: 'area', opacity: 0.16 },
            encoding: { x, y: y('low'), y2: { field: 'high' }, color },
          },
        ]
      : []),
    ...(singles.length > 0
      ? [
          {
            data: { values: singles },
            mark: { type: 'line', strokeWidth: 0.8, opacity: 0.35 },
            encoding: { x, y: y('lid'), color, detail: { field: 'curve' } },
          },
        ]
      : []),
    {
      data: { values: means },
      mark: { type: 'line', strokeWidth: 2.2 },
      encoding: { x, y: y('lid'), color, strokeDash },
    },
    ...levelLine,
    ...flagLayers(
      shown.map(({ scale, label }): Flag => ({ x: scale, label })),
      domain,
      size,
    ),
    ...levelText,
  ])
}

/** Scales as a plain list; they must ascend, since curves are drawn in their order. */
export function checkedScales(what: string, scales: ArrayLike<number>): number[] {
  checkNumbers(`${what} scales`, scales)
  const list = Array.from(scales)
  if (list.length < 2) throw mismatch('E_EMPTY', `${what} scales`, 'at least two', list.length)
  const wrong = list.findIndex((scale, i) => i > 0 && scale <= list[i - 1]!)
  if (wrong > 0) throw mismatch('E_ARGUMENT', `${what} scales[${wrong}]`, `more than ${list[wrong - 1]}`, list[wrong])
  return list
}

/** `count` places evenly over 0 .. n-1. */
function spread(n: number, count: number): number[] {
  const kept = Math.min(n, count)
  return Array.from({ length: kept }, (_, i) => Math.floor(((i + 0.5) * n) / kept))
}
