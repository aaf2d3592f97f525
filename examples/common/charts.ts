// Charts of the same few named sets: one subtitle and one set of labels for all, and ROC curves straight from scores.
import { type NdArray, rowCount, sliceRows } from '@ood/core'
import {
  confusionPlot,
  histogramPlot,
  imageGrid,
  lidCurvePlot,
  type MarkedScale,
  type PlotSpec,
  type RocCurve,
  rocPlot,
  scatterPlot,
} from '@ood/plots'
import { rocCurve } from '@ood/roc'
import type { Decided } from './decisions.ts'
import { type Direction, dataSetTitle, type SplitName, splitLabels, splitNames } from './splits.ts'

/** A set of rows in charts. */
export interface ChartSet<Name extends string> {
  set: Name
  /** The split whose colour it has. */
  name: SplitName
  label: string
}

/** Values of a set, one a row. */
type ValuesOf<Name extends string> = (set: Name) => Float64Array

/** Makes charts of the same sets. */
export interface Charts<Name extends string> {
  histogram(title: string, xTitle: string, values: ValuesOf<Name>, marks?: { x: number; label: string }[]): PlotSpec
  scatter(
    titles: { title: string; subtitle?: string; xTitle: string; yTitle: string },
    x: ValuesOf<Name>,
    y: ValuesOf<Name>,
    more?: Pick<Parameters<typeof scatterPlot>[0], 'thresholds' | 'maxPoints'> & { only?: readonly Name[] },
  ): PlotSpec
  /** Curves over scales, one a row of each set. */
  curves(
    titles: { title: string; xTitle?: string; yTitle?: string },
    scales: Float64Array,
    curves: (set: Name) => readonly Float64Array[],
    marks?: readonly MarkedScale[],
  ): PlotSpec
}

/** Charts of `sets`, each of about `rows` rows. */
export function chartsOf<Name extends string>(
  sets: readonly ChartSet<Name>[],
  { subtitle, rows, yTitle }: { subtitle: string; rows: number; yTitle?: string },
): Charts<Name> {
  // Few rows need wide bins, or every step is noise.
  const bins = rows < 256 ? 20 : 40
  return {
    histogram: (title, xTitle, values, marks = []) =>
      histogramPlot({
        ...{ title, subtitle, xTitle, bins, marks },
        ...(yTitle === undefined ? {} : { yTitle }),
        series: sets.map(({ set, name, label }) => ({ name, label, values: values(set) })),
      }),
    scatter: (titles, x, y, { only, ...more } = {}) =>
      scatterPlot({
        subtitle,
        ...titles,
        ...more,
        series: sets
          .filter(({ set }) => !only || only.includes(set))
          .map(({ set, name, label }) => ({ name, label, x: x(set), y: y(set) })),
      }),
    curves: (titles, scales, curves, marks = []) =>
      lidCurvePlot({
        ...{ subtitle, scales, marks },
        ...titles,
        series: sets.map(({ set, name, label }) => ({ name, label, curves: curves(set) })),
      }),
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
export function rocChart(direction: Direction, curves: readonly RocCurve[], note = ''): PlotSpec {
  return rocPlot({
    title: `Accepting test images, rejecting the other data set${note}`,
    subtitle: direction.title,
    curves,
    xTitle: `share of ${dataSetTitle[direction.ood]} accepted`,
    yTitle: `share of ${dataSetTitle[direction.inDistribution]} accepted`,
  })
}

/** Decisions at a threshold, as counts. */
export function confusionChart(
  titles: { title: string; subtitle: string; xTitle: string; yTitle: string },
  labels: readonly [inside: string, outside: string],
  { trueNegatives, falsePositives, falseNegatives, truePositives }: Decided,
): PlotSpec {
  return confusionPlot({
    ...titles,
    labels,
    counts: [
      [trueNegatives, falsePositives],
      [falseNegatives, truePositives],
    ],
  })
}

/** The first images of every split as one sheet; `model` is what generated the last split. */
export function imageSheet(direction: Direction, images: Record<SplitName, NdArray>, model: string): string {
  const label = splitLabels(direction, model)
  return imageGrid({
    title: `What the four splits look like (${direction.title})`,
    range: [0, 255],
    groups: splitNames.map((name) => ({
      label: label[name],
      images: sliceRows(images[name], 0, Math.min(32, rowCount(images[name]))),
    })),
  })
}
