// Charts of the same few named sets: one subtitle and one set of labels for all, and ROC curves straight from scores.
import { type NdArray, rowCount, sliceRows } from '@ood/core'
import {
  type ConfusionOptions,
  confusionPlot,
  type HistogramOptions,
  histogramPlot,
  imageGrid,
  type LidCurveOptions,
  lidCurvePlot,
  type RocCurve,
  rocPlot,
  type ScatterOptions,
  scatterPlot,
} from '@ood/plots'
import { type Decisions, rocCurve } from '@ood/roc'
import { type Figure, figure } from './figures.ts'
import { type Direction, type SplitName, splitLabels, splitNames, titlesOf } from './splits.ts'

/** A set of rows in charts. */
export interface ChartSet<Name extends string> {
  set: Name
  /** The split whose colour it has. */
  name: SplitName
  label: string
}

/** What every chart has beside its own options: the name of its file. */
interface Named {
  name: string
}

/** Values of a set, one a row. */
type ValuesOf<Name extends string> = (set: Name) => Float64Array

/** Makes charts of the same sets. */
export type Charts<Name extends string> = ReturnType<typeof chartsOf<Name>>

/** Charts of `sets`, each of about `rows` rows, with the subtitle and the labels of all. */
export function chartsOf<Name extends string>(
  sets: readonly ChartSet<Name>[],
  { rows, ...all }: { subtitle: string; rows: number; yTitle?: string },
) {
  const { subtitle } = all
  // Few rows need wide bins, or every step is noise.
  const bins = rows < 256 ? 20 : 40
  const seriesOf = <T>(values: (set: Name) => T, only: readonly Name[] = sets.map(({ set }) => set)) =>
    sets.filter(({ set }) => only.includes(set)).map(({ set, name, label }) => ({ name, label, ...values(set) }))
  return {
    /** One number a row. */
    histogram(chart: Named & Omit<HistogramOptions, 'series'> & { values: ValuesOf<Name> }): Figure {
      const { name, values, ...plot } = chart
      const series = seriesOf((set) => ({ values: values(set) }))
      return figure(name, histogramPlot({ bins, ...all, ...plot, series }))
    },
    /** Two numbers a row; of `only` some of the sets. */
    scatter(
      chart: Named & Omit<ScatterOptions, 'series'> & Record<'x' | 'y', ValuesOf<Name>> & { only?: readonly Name[] },
    ): Figure {
      const { name, x, y, only, ...plot } = chart
      const series = seriesOf((set) => ({ x: x(set), y: y(set) }), only)
      return figure(name, scatterPlot({ subtitle, ...plot, series }))
    },
    /** A curve over scales for every row. */
    curves(
      chart: Named & Omit<LidCurveOptions, 'series'> & { curves(set: Name): readonly ArrayLike<number>[] },
    ): Figure {
      const { name, curves, ...plot } = chart
      const series = seriesOf((set) => ({ curves: curves(set) }))
      return figure(name, lidCurvePlot({ subtitle, ...plot, series }))
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
  { name = 'roc', note = '' }: { name?: string; note?: string } = {},
): Figure {
  const [inside, outside] = titlesOf(direction)
  const chart = rocPlot({
    title: `Accepting test images, rejecting the other data set${note}`,
    subtitle: direction.title,
    curves,
    xTitle: `share of ${outside} accepted`,
    yTitle: `share of ${inside} accepted`,
  })
  return figure(name, chart)
}

/** Decisions at a threshold, as counts. */
export function confusionChart(
  { name, ...titles }: Named & Omit<ConfusionOptions, 'labels' | 'counts'>,
  labels: readonly [inside: string, outside: string],
  { trueNegatives, falsePositives, falseNegatives, truePositives }: Decisions,
): Figure {
  const counts = [
    [trueNegatives, falsePositives],
    [falseNegatives, truePositives],
  ]
  return figure(name, confusionPlot({ ...titles, labels, counts }))
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
  return figure('images', sheet)
}
