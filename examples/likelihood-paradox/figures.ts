// The figures of one direction, as Vega-Lite specifications.
import { flatData } from '@ood/core'
import { defaultScales, lidCurve, linspace, scorePairs, thresholdDimension } from '@ood/lid'
import { calibrationPlot, histogramPlot, lidCurvePlot, type PlotSpec, scatterPlot } from '@ood/plots'
import { rocFigure } from '../common/figures.ts'
import { mean, type SplitName, splitLabels, splitNames } from '../common/splits.ts'
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
  const scored = (name: SplitName) => {
    const { logProb, artifact } = splits[name]
    const pairs = { logProb, lid: thresholdDimension(artifact, chosen.scale) }
    return { ...pairs, score: scorePairs(pairs, choices.detectors[DEFAULT_RULE]) }
  }
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
    roc: rocFigure(direction, { test: scored('in_distr_test'), ood: scored('ood') }, chosen),
  }
}
