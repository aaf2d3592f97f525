// Overlapping histograms of one quantity over several splits: the picture of the likelihood paradox.
import { mismatch } from '@ood/core'
import { checkNumber, checkNumbers } from './internal/check.ts'
import { flagLayers } from './internal/flags.ts'
import { framed, frameSize, seriesChannels } from './internal/frame.ts'
import { axisRange, countOutside, histogram } from './internal/numbers.ts'
import type { PlotFrame, PlotSpec } from './spec.ts'
import type { Series } from './splits.ts'

/** Options of `histogramPlot`. */
export interface HistogramOptions extends PlotFrame {
  /** The series, for example the log-likelihoods of four splits. */
  series: readonly (Series & { values: ArrayLike<number> })[]
  /** Axis title with the unit, for example `log-likelihood (nats)`. */
  xTitle: string
  /** What one value belongs to, for the vertical axis: `share of images` by default. */
  yTitle?: string | undefined
  /** Number of equal bins over the axis (default 40). */
  bins?: number | undefined
  /** Values to mark with a vertical line and a text, such as a threshold. The default range of the axis includes them. */
  marks?: readonly { x: number; label: string }[] | undefined
  /** Range of the axis; the default shows everything, but for far outliers and the far part of a series much wider than
   * the others, which the subtitle then counts. */
  domain?: readonly [number, number] | undefined
}

/**
 * Histograms of several series over common bins, each scaled to its own size (shares add to one), drawn as step outlines,
 * over a light fill where there are one or two. Values outside the axis are counted in the outermost bins and in the subtitle.
 *
 * @throws OodError `E_EMPTY` for no series or an empty one, `E_NOT_FINITE` for NaN or an infinity, naming it;
 *   `E_ARGUMENT` for equal labels or a range that is none
 * @example
 * histogramPlot({
 *   title: 'Digits look likelier than clothes to a model of clothes',
 *   xTitle: 'log-likelihood (nats)',
 *   series: [{ name: 'in_distr_test', values: test }, { name: 'ood', values: digits }],
 * })
 */
export function histogramPlot(options: HistogramOptions): PlotSpec {
  const { series, xTitle, yTitle = 'share of images', bins = 40, marks = [] } = options
  const size = frameSize(options)
  const channels = seriesChannels('histogram', series, size.width, 'line')
  for (const { name, values } of series) checkNumbers(`histogram ${name}`, values)
  if (!Number.isInteger(bins) || bins < 1) throw mismatch('E_ARGUMENT', 'histogram bins', 'a positive integer', bins)
  for (const { x, label } of marks) checkNumber(`histogram mark ${label}`, x)
  const all = series.map(({ values }) => values)
  const domain = options.domain ?? including(axisRange(all), marks)
  const [low, high] = domain
  if (!(high > low && Number.isFinite(high - low)))
    throw mismatch('E_ARGUMENT', 'histogram domain', 'a lower and a higher finite number', [low, high])

  const edge = (i: number) => low + ((high - low) * i) / bins
  const rows = series.flatMap(({ values }, k) => {
    const shares = histogram(values, domain, bins)
    // A step outline goes up from zero at the first edge and down to zero at the last.
    const points = [{ x: low, share: 0 }, ...shares.map((share, i) => ({ x: edge(i), share })), { x: high, share: 0 }]
    return points.map((point, order) => ({ ...point, order, series: channels.labels[k]! }))
  })
  const outside = countOutside(all, domain)
  const notes =
    outside > 0 ? [`${outside} far ${outside === 1 ? 'value is' : 'values are'} counted in the end bins`] : []
  const encoding = {
    x: { field: 'x', type: 'quantitative', title: xTitle, scale: { domain, nice: false, zero: false } },
    // Vega-Lite stacks areas unless told not to: these overlap.
    y: {
      field: 'share',
      type: 'quantitative',
      title: yTitle,
      axis: { format: '.0%' },
      stack: null,
      // The texts of marks stand above the highest bar.
      ...(marks.length > 0 && {
        scale: { domain: [0, 1.2 * Math.max(...rows.map(({ share }) => share))], nice: false },
      }),
    },
    color: channels.color,
  }
  return framed(options, size, notes, [
    // Fills of more than two series lie over each other until nothing can be read.
    ...(series.length <= 2
      ? [{ data: { values: rows }, mark: { type: 'area', interpolate: 'step-after', fillOpacity: 0.16 }, encoding }]
      : []),
    {
      data: { values: rows },
      mark: { type: 'line', interpolate: 'step-after', strokeWidth: 2, clip: true },
      encoding: { ...encoding, strokeDash: channels.strokeDash, order: { field: 'order', type: 'quantitative' } },
    },
    ...flagLayers(
      marks.filter(({ x }) => x >= low && x <= high),
      domain,
      size,
    ),
  ])
}

/** A range that also shows the marks, with room for their lines. */
function including([low, high]: [number, number], marks: readonly { x: number }[]): [number, number] {
  const room = 0.02 * (high - low)
  const at = marks.map(({ x }) => x)
  return [Math.min(low, ...at.map((x) => x - room)), Math.max(high, ...at.map((x) => x + room))]
}
