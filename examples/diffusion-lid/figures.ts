// The figures of one direction, as Vega-Lite specifications.
import { flatData } from '@ood/core'
import { linspace, normalBundleDimension, readCurves } from '@ood/lid'
import { calibrationPlot, histogramPlot, lidCurvePlot, type PlotSpec, scatterPlot } from '@ood/plots'
import { rocFigure } from '../common/figures.ts'
import { mean, type SplitName, splitLabels, splitNames } from '../common/splits.ts'
import { DEFAULT_RULE, type Method, type ScaleRuleName, scaleRules } from './choose.ts'
import type { MethodResult } from './evaluate.ts'
import type { Measured } from './measure.ts'
import type { DirectionResult } from './result.ts'

/** What the report calls each method and rule. */
export const methodTitle: Record<Method, string> = { flipd: 'FLIPD', normalBundle: 'normal bundle' }
export const ruleTitle: Record<ScaleRuleName, string> = {
  scalingRegion: 'scaling region',
  knee: 'knee',
  coupling: 'coupling',
  lpca: 'lPCA target',
  fixed: 'published constant',
}

const bundleScales = linspace(-8, 1, 46)

/** Scales of a method's curves in figures and CSVs. */
export function scalesOf(method: Method, split: Measured): Float64Array {
  return method === 'flipd' ? split.curves.scales : bundleScales
}

/** LID curves of one split, one per image. */
export function curvesOf(method: Method, split: Measured): Float64Array[] {
  const n = split.logProb.length
  if (method === 'flipd') {
    const lid = flatData(split.curves.lid)
    const width = split.curves.scales.length
    return Array.from({ length: n }, (_, i) => Float64Array.from(lid.subarray(i * width, (i + 1) * width)))
  }
  const byScale = Array.from(bundleScales, (scale) => normalBundleDimension(split.bundle!, scale))
  return Array.from({ length: n }, (_, i) => Float64Array.from(byScale, (lid) => lid[i]!))
}

/** Charts of one direction that no method enters. */
export function likelihoodCharts({ direction, splits }: DirectionResult): Record<string, PlotSpec> {
  const label = splitLabels(direction, 'model')
  const histogram = (title: string, xTitle: string, values: (split: Measured) => Float64Array): PlotSpec =>
    histogramPlot({
      title,
      subtitle: direction.title,
      xTitle,
      bins: splits.ood.logProb.length < 256 ? 20 : 40,
      series: splitNames.map((name) => ({ name, label: label[name], values: values(splits[name]) })),
    })
  return {
    likelihood: histogram(
      'Log-likelihood under the diffusion model',
      'log-likelihood (nats, noise of one grey level)',
      (split) => split.logProb,
    ),
    'likelihood-reference': histogram(
      'What the published ten-step recipe calls log-likelihood',
      'sum of ten Euler steps (nats)',
      (split) => split.referenceLogProb,
    ),
  }
}

/** Charts of one method in one direction. */
export function methodCharts(result: DirectionResult, found: MethodResult): Record<string, PlotSpec> {
  const { direction, splits, lpca } = result
  const { method, choices, chosen, lid, score } = found
  const label = splitLabels(direction, 'model')
  const { scale } = chosen
  const pairs = (name: SplitName) => ({ logProb: splits[name].logProb, lid: lid[name], score: score[name] })
  const train = splits.in_distr_train
  const scales = method === 'flipd' ? linspace(-5.5, 0.5, 61) : linspace(-8, 1, 91)
  const lidAt = (at: number): Float64Array =>
    method === 'flipd' ? readCurves(train.curves, at) : normalBundleDimension(train.bundle!, at)
  return {
    [`${method}-curves`]: lidCurvePlot({
      title: `Local intrinsic dimension by ${methodTitle[method]}`,
      subtitle: direction.title,
      scales: scalesOf(method, train),
      series: splitNames.map((name) => ({ name, label: label[name], curves: curvesOf(method, splits[name]) })),
      marks: [
        { scale, label: 'chosen' },
        { scale: choices.fixed.scale, label: 'published' },
      ],
    }),
    [`${method}-scatter`]: scatterPlot({
      title: `LID by ${methodTitle[method]} against log-likelihood`,
      subtitle: `${direction.title}; scale ${scale.toFixed(2)}`,
      xTitle: 'log-likelihood (nats)',
      yTitle: 'local intrinsic dimension',
      series: splitNames.map((name) => ({ name, label: label[name], x: splits[name].logProb, y: lid[name] })),
    }),
    [`${method}-calibration`]: calibrationPlot({
      title: `Where each rule reads the dimension (${methodTitle[method]})`,
      subtitle: `mean LID of the training images; ${direction.title}`,
      scales,
      meanLid: scales.map((at) => mean(lidAt(at))),
      candidates: scaleRules.map((rule) => ({
        scale: choices[rule].scale,
        label: ruleTitle[rule],
        chosen: rule === DEFAULT_RULE,
      })),
      target: { lid: lpca, label: 'lPCA of the training set' },
    }),
    [`${method}-roc`]: rocFigure(
      direction,
      { test: pairs('in_distr_test'), ood: pairs('ood') },
      chosen,
      ` (${methodTitle[method]})`,
    ),
  }
}
