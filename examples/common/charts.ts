// Charts of the same few named sets: one subtitle and one set of labels for all, and ROC curves straight from scores.
import { type NdArray, rowCount, sliceRows } from '@ood/core'
import {
  confusionPlot,
  histogramPlot,
  imageGrid,
  lidCurvePlot,
  type MarkedScale,
  type RocCurve,
  rocPlot,
  scatterPlot,
} from '@ood/plots'
import { rocCurve } from '@ood/roc'
import type { Decided } from './decisions.ts'
import { type Figure, figure } from './figures.ts'
import { type Direction, type SplitName, splitLabels, splitNames, titlesOf } from './splits.ts'

/** A set of rows in charts. */
export interface ChartSet<Name extends string> {
  set: Name
  /** The split whose colour it has. */
  name: SplitName
  label: string
}

/** What every chart of these has: the name of its file, and words. */
interface ChartWords {
  name: string
  title: string
  /** Default: the subtitle of all charts. */
  subtitle?: string
  caption?: string
  width?: number
  height?: number
}

/** Values of a set, one a row. */
type ValuesOf<Name extends string> = (set: Name) => Float64Array

/** A chart of one number a row. */
export interface Histogram<Name extends string> extends ChartWords {
  xTitle: string
  values: ValuesOf<Name>
  marks?: { x: number; label: string }[]
}

/** A chart of two numbers a row; `only` some of the sets. */
export interface Scatter<Name extends string> extends ChartWords {
  xTitle: string
  yTitle: string
  x: ValuesOf<Name>
  y: ValuesOf<Name>
  only?: readonly Name[]
  thresholds?: { y: number; yLabel: string }
  maxPoints?: number
}

/** A chart of a curve over scales for every row. */
export interface Curves<Name extends string> extends ChartWords {
  xTitle?: string
  yTitle?: string
  scales: Float64Array
  curves(set: Name): readonly Float64Array[]
  marks?: readonly MarkedScale[]
}

/** Makes charts of the same sets. */
export interface Charts<Name extends string> {
  histogram(chart: Histogram<Name>): Figure
  scatter(chart: Scatter<Name>): Figure
  curves(chart: Curves<Name>): Figure
}

/** Charts of `sets`, each of about `rows` rows. */
export function chartsOf<Name extends string>(
  sets: readonly ChartSet<Name>[],
  { subtitle, rows, yTitle }: { subtitle: string; rows: number; yTitle?: string },
): Charts<Name> {
  // Few rows need wide bins, or every step is noise.
  const bins = rows < 256 ? 20 : 40
  const of = yTitle === undefined ? {} : { yTitle }
  const seriesOf = <T>(values: (set: Name) => T, only: readonly Name[] = sets.map(({ set }) => set)) =>
    sets.filter(({ set }) => only.includes(set)).map(({ set, name, label }) => ({ name, label, ...values(set) }))
  return {
    histogram: ({ name, caption, values, ...plot }) => {
      const series = seriesOf((set) => ({ values: values(set) }))
      return figure(name, histogramPlot({ subtitle, bins, ...of, ...plot, series }), caption)
    },
    scatter: ({ name, caption, x, y, only, ...plot }) => {
      const series = seriesOf((set) => ({ x: x(set), y: y(set) }), only)
      return figure(name, scatterPlot({ subtitle, ...plot, series }), caption)
    },
    curves: ({ name, caption, curves, ...plot }) => {
      const series = seriesOf((set) => ({ curves: curves(set) }))
      return figure(name, lidCurvePlot({ subtitle, ...plot, series }), caption)
    },
  }
}

/** Charts of the four splits of a direction; `model` is what generated the last one. */
export function splitCharts(direction: Direction, model: string, rows: number): Charts<SplitName> {
  const label = splitLabels(direction, model)
  const sets = splitNames.map((name) => ({ set: name, name, label: label[name] }))
  return chartsOf(sets, { subtitle: direction.title, rows })
}

/** The ROC curve of a score where higher = more OOD: what accepting low scores keeps of both sets. */
export function curveOf(label: string, inside: Float64Array, outside: Float64Array, auc: number): RocCurve {
  const accepted = (scores: Float64Array): Float64Array => scores.map((score) => -score)
  const { falsePositiveRate: fpr, truePositiveRate: tpr } = rocCurve(accepted(inside), accepted(outside))
  return { label, fpr, tpr, auc }
}

/** ROC curves of one direction. */
export function rocChart(
  direction: Direction,
  curves: readonly RocCurve[],
  { name = 'roc', note = '', caption }: { name?: string; note?: string; caption?: string } = {},
): Figure {
  const [inside, outside] = titlesOf(direction)
  const chart = rocPlot({
    title: `Accepting test images, rejecting the other data set${note}`,
    subtitle: direction.title,
    curves,
    xTitle: `share of ${outside} accepted`,
    yTitle: `share of ${inside} accepted`,
  })
  return figure(name, chart, caption)
}

/** Decisions at a threshold, as counts. */
export function confusionChart(
  { name, caption, ...titles }: ChartWords & { xTitle: string; yTitle: string },
  labels: readonly [inside: string, outside: string],
  { trueNegatives, falsePositives, falseNegatives, truePositives }: Decided,
): Figure {
  const counts = [
    [trueNegatives, falsePositives],
    [falseNegatives, truePositives],
  ] as const
  return figure(name, confusionPlot({ ...titles, labels, counts }), caption)
}

/** The first images of every split as one sheet; `model` is what generated the last split. */
export function imageSheet(direction: Direction, images: Record<SplitName, NdArray>, model: string): Figure {
  const label = splitLabels(direction, model)
  const sheet = imageGrid({
    title: `What the four splits look like (${direction.title})`,
    range: [0, 255],
    groups: splitNames.map((name) => ({
      label: label[name],
      images: sliceRows(images[name], 0, Math.min(32, rowCount(images[name]))),
    })),
  })
  const caption = `The first images of each split. Generated images are samples of the ${model} itself.`
  return figure('images', sheet, caption)
}
