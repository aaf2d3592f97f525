// The figures of one direction, as Vega-Lite specifications and one image sheet.
import { flatData, sliceRows } from '@ood/core'
import { defaultScales, lidCurve, linspace, thresholdDimension } from '@ood/lid'
import {
  calibrationPlot,
  histogramPlot,
  imageGrid,
  lidCurvePlot,
  type PlotSpec,
  rocPlot,
  scatterPlot,
} from '@ood/plots'
import { dualRoc, rocCurve } from '@ood/roc'
import { dataSetTitle, mean, type SplitName, splitLabels, splitNames } from '../common/splits.ts'
import { type ScaleRuleName, scaleRules } from './choose.ts'
import { DEFAULT_RULE, type DirectionResult } from './result.ts'

/** What the report calls each scale rule. */
export const ruleTitle: Record<ScaleRuleName, string> = {
  scalingRegion: 'scaling region',
  coupling: 'coupling',
  lpca: 'lPCA target',
  knee: 'knee',
  plateau: 'plateau',
  fixed: 'fixed -3',
}

/** Scales of the curves in figures and CSVs: the reference's grid. */
export const curveScales: Float64Array = defaultScales()

/** LID curves of one split at the grid of scales, one per image. */
export function curvesOf(result: DirectionResult, name: SplitName): Float64Array[] {
  const { artifact, logProb } = result.splits[name]
  const estimator = { lid: thresholdDimension, prepare: () => Promise.reject(new Error('prepared already')) }
  const curves = flatData(lidCurve(estimator, artifact, curveScales))
  const width = curveScales.length
  return Array.from(logProb, (_, i) => curves.subarray(i * width, (i + 1) * width))
}

/** Every chart of one direction by file name. */
export function charts(result: DirectionResult): Record<string, PlotSpec> {
  const { direction, splits, choices, results } = result
  const label = splitLabels(direction, 'flow')
  const chosen = results[DEFAULT_RULE]
  const scatterAt = (scale: number, title: string): PlotSpec =>
    scatterPlot({
      title,
      subtitle: `${direction.title}; scale ${scale.toFixed(2)}`,
      xTitle: 'log-likelihood (nats, logit space)',
      yTitle: 'local intrinsic dimension',
      series: splitNames.map((name) => ({
        name,
        label: label[name],
        x: splits[name].logProb,
        y: thresholdDimension(splits[name].artifact, scale),
      })),
    })
  const fine = linspace(-8, 4, 121)
  return {
    likelihood: histogramPlot({
      title: 'Log-likelihood under the flow',
      subtitle: direction.title,
      xTitle: 'log-likelihood (nats, logit space)',
      // Few images need wide bins, or every step is noise.
      bins: splits.ood.logProb.length < 256 ? 20 : 40,
      series: splitNames.map((name) => ({ name, label: label[name], values: splits[name].logProb })),
    }),
    'lid-curves': lidCurvePlot({
      title: 'Local intrinsic dimension at every scale',
      subtitle: direction.title,
      scales: curveScales,
      series: splitNames.map((name) => ({ name, label: label[name], curves: curvesOf(result, name) })),
      marks: [
        { scale: chosen.scale, label: 'chosen' },
        { scale: results.fixed.scale, label: 'fixed -3' },
      ],
    }),
    calibration: calibrationPlot({
      title: 'Where each rule reads the dimension',
      subtitle: `mean LID of the training images; ${direction.title}`,
      scales: fine,
      meanLid: fine.map((scale) => mean(thresholdDimension(splits.in_distr_train.artifact, scale))),
      candidates: scaleRules
        .filter((rule) => choices.scales[rule] !== undefined)
        .map((rule) => ({ scale: choices.scales[rule].scale, label: ruleTitle[rule], chosen: rule === DEFAULT_RULE })),
      target: { lid: result.lpca, label: 'lPCA of the training set' },
    }),
    'scatter-chosen': scatterAt(chosen.scale, 'LID against log-likelihood, at the chosen scale'),
    'scatter-fixed': scatterAt(results.fixed.scale, 'LID against log-likelihood, at the fixed scale -3'),
    roc: rocOf(result),
  }
}

function rocOf(result: DirectionResult): PlotSpec {
  const { splits, choices, results, direction } = result
  const { scale, single, dual, fitted } = results[DEFAULT_RULE]
  const pairs = (name: SplitName) => ({
    logProb: splits[name].logProb,
    lid: thresholdDimension(splits[name].artifact, scale),
  })
  const test = pairs('in_distr_test')
  const ood = pairs('ood')
  const one = rocCurve(test.logProb, ood.logProb)
  const two = dualRoc({ x: test.logProb, y: test.lid }, { x: ood.logProb, y: ood.lid })
  const { score } = choices.detectors[DEFAULT_RULE]
  const sum = rocCurve(
    score(test).map((value) => -value),
    score(ood).map((value) => -value),
  )
  return rocPlot({
    title: 'Accepting test images, rejecting the other data set',
    subtitle: direction.title,
    curves: [
      { label: 'log-likelihood alone', fpr: one.falsePositiveRate, tpr: one.truePositiveRate, auc: single.inDistr },
      {
        label: 'log-likelihood and LID, two cuts',
        fpr: two.falsePositiveRate,
        tpr: two.truePositiveRate,
        auc: dual.inDistr,
      },
      { label: 'one fitted score', fpr: sum.falsePositiveRate, tpr: sum.truePositiveRate, auc: fitted.inDistr },
    ],
    xTitle: `share of ${dataSetTitle[direction.ood]} accepted`,
    yTitle: `share of ${dataSetTitle[direction.inDistribution]} accepted`,
  })
}

/** The first images of every split as one sheet. */
export function imageSheet({ direction, splits }: DirectionResult): string {
  const label = splitLabels(direction, 'flow')
  return imageGrid({
    title: `What the four splits look like (${direction.title})`,
    range: [0, 255],
    groups: splitNames.map((name) => ({
      label: label[name],
      images: sliceRows(splits[name].images, 0, Math.min(32, splits[name].logProb.length)),
    })),
  })
}
