// LID against log-likelihood, one point an image: where the two thresholds of the dual rule act.
import { mismatch } from '@ood/core'
import { checkLength, checkNumber, checkNumbers } from './internal/check.ts'
import { flagLayers, levelLayers } from './internal/flags.ts'
import { framed, frameSize, seriesChannels } from './internal/frame.ts'
import { axisRange } from './internal/numbers.ts'
import type { PlotFrame, PlotSpec } from './spec.ts'
import type { Series } from './splits.ts'

/** Options of `scatterPlot`. */
export interface ScatterOptions extends PlotFrame {
  /** Points of each split: `x` is usually the log-likelihood in nats, `y` the LID. */
  series: readonly (Series & { x: ArrayLike<number>; y: ArrayLike<number> })[]
  xTitle?: string | undefined
  yTitle?: string | undefined
  /** Ranges of the axes, instead of ones that fit the points. */
  xDomain?: readonly [number, number] | undefined
  yDomain?: readonly [number, number] | undefined
  /** Thresholds to draw: a vertical line at `x`, a horizontal one at `y`. */
  thresholds?: { x?: number; y?: number; xLabel?: string; yLabel?: string } | undefined
  /** Points drawn per series at most, evenly taken (default 1000): more only makes the file large. */
  maxPoints?: number | undefined
}

/**
 * Scatter plot of two quantities over several splits. The axes show everything, but for far outliers and the far part of
 * a series much wider than the others: those points are drawn at the edge and counted in the subtitle.
 *
 * @throws OodError `E_EMPTY`, `E_NOT_FINITE` or `E_SHAPE` naming the series
 * @example
 * scatterPlot({
 *   title: 'Digits are likelier, but fill fewer dimensions',
 *   series: [{ name: 'in_distr_test', x: test.logProb, y: test.lid }, { name: 'ood', x: ood.logProb, y: ood.lid }],
 *   thresholds: { x: 650, y: 120 },
 * })
 */
export function scatterPlot(options: ScatterOptions): PlotSpec {
  const { series, thresholds = {}, maxPoints = 1000 } = options
  const size = frameSize(options, 520, 340)
  const channels = seriesChannels('scatter', series, size.width, 'point')
  if (!Number.isInteger(maxPoints) || maxPoints < 1)
    throw mismatch('E_ARGUMENT', 'scatter maxPoints', 'a positive integer', maxPoints)
  for (const { name, x, y } of series) {
    checkNumbers(`scatter ${name} x`, x)
    checkNumbers(`scatter ${name} y`, y)
    checkLength(`scatter ${name} y`, x.length, y)
  }
  const { x: atX, y: atY } = thresholds
  if (atX !== undefined) checkNumber('scatter thresholds x', atX)
  if (atY !== undefined) checkNumber('scatter thresholds y', atY)
  const domainOf = (values: readonly ArrayLike<number>[], threshold: number | undefined) => {
    const [low, high] = axisRange(values)
    return padded([Math.min(low, threshold ?? low), Math.max(high, threshold ?? high)])
  }
  const xDomain =
    options.xDomain ??
    domainOf(
      series.map(({ x }) => x),
      atX,
    )
  const yDomain =
    options.yDomain ??
    domainOf(
      series.map(({ y }) => y),
      atY,
    )

  let outside = 0
  const rows = series.flatMap(({ x, y }, k) => {
    const every = Math.max(1, x.length / maxPoints)
    const count = Math.min(x.length, maxPoints)
    const picked = Array.from({ length: count }, (_, i) => Math.floor(i * every))
    const points = picked.map((i) => ({ x: x[i]!, y: y[i]!, series: channels.labels[k]! }))
    return points.map((point) => {
      const at = { ...point, x: clamp(point.x, xDomain), y: clamp(point.y, yDomain) }
      if (at.x !== point.x || at.y !== point.y) outside += 1
      return at
    })
  })
  const left = series.reduce((sum, { x }) => sum + Math.max(0, x.length - maxPoints), 0)
  const notes = [
    outside > 0 ? `${outside} far ${outside === 1 ? 'point is' : 'points are'} drawn at the edge` : '',
    left > 0 ? `at most ${maxPoints} points of each are drawn` : '',
  ]
  const levelLabel = thresholds.yLabel ?? `threshold ${short(atY ?? 0)}`
  const [levelLine, levelText] = levelLayers(atY === undefined ? undefined : { y: atY, label: levelLabel }, size)
  const flags = atX === undefined ? [] : [{ x: atX, label: thresholds.xLabel ?? `threshold ${short(atX)}` }]
  const axis = (field: string, title: string, domain: readonly [number, number]) => ({
    field,
    type: 'quantitative',
    title,
    scale: { domain, nice: false, zero: false },
  })
  const encoding = {
    x: axis('x', options.xTitle ?? 'log-likelihood (nats)', xDomain),
    y: axis('y', options.yTitle ?? 'local intrinsic dimension', yDomain),
    color: channels.color,
    shape: channels.shape,
  }
  const point = { type: 'point', filled: true, size: 36, opacity: 0.65 }
  return framed(options, size, notes, [
    // Splits are mixed, so that the last one does not cover the others.
    { data: { values: interleaved(rows, channels.labels) }, mark: point, encoding },
    ...levelLine,
    ...flagLayers(flags, xDomain, size),
    ...levelText,
  ])
}

function padded([low, high]: readonly [number, number]): [number, number] {
  const gap = 0.04 * (high - low)
  return [low - gap, high + gap]
}

/** A far value moves to just inside the edge, where its symbol does not cover the axis. */
function clamp(value: number, [low, high]: readonly [number, number]): number {
  const inset = 0.012 * (high - low)
  return value < low ? low + inset : value > high ? high - inset : value
}

function interleaved<T extends { series: string }>(rows: readonly T[], labels: readonly string[]): T[] {
  const groups = labels.map((label) => rows.filter(({ series }) => series === label))
  const ranked = groups.flatMap((group) => group.map((row, i) => ({ row, rank: i / group.length })))
  return ranked.sort((a, b) => a.rank - b.rank).map(({ row }) => row)
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)))
}
