// The figures of one direction, as Vega-Lite specifications.
import { flatData } from '@ood/core'
import { type DenoisingLosses, lossRatio } from '@ood/llr'
import { histogramPlot, lidCurvePlot, type PlotSpec, rocPlot, scatterPlot } from '@ood/plots'
import { rocCurve } from '@ood/roc'
import { dataSetTitle, type SplitName, splitLabels, splitNames } from '../common/splits.ts'
import { columnAt, fitJoint } from './evaluate.ts'
import type { DirectionResult } from './result.ts'

/** L(t_frac) over D of every image: squared error of the noise a pixel, over the levels up to t_frac. */
export function lossCurves({ loss, fractions }: DenoisingLosses, dimension: number): Float64Array[] {
  const data = flatData(loss)
  const k = fractions.length
  return Array.from({ length: data.length / k }, (_, i) =>
    Float64Array.from(data.subarray(i * k, (i + 1) * k), (value) => value / dimension),
  )
}

/** The ratio of every image at every t_frac below 1, in standard deviations from the mean of training images. */
export function ratioCurves(losses: DenoisingLosses, train: DenoisingLosses): Float64Array[] {
  const scores = Array.from(losses.fractions.subarray(0, -1), (tFrac) => {
    const ratio = fitJoint(train, tFrac)[1]!
    return lossRatio(losses, { tFrac }).score.map((value) => (value - ratio.mean) / ratio.standardDeviation)
  })
  return Array.from({ length: losses.loss.shape[0]! }, (_, i) => Float64Array.from(scores, (score) => score[i]!))
}

/** Charts of one direction. */
export function charts({ direction, splits, evaluation }: DirectionResult): Record<string, PlotSpec> {
  const { tFrac, score, joint, threshold, likelihood, chosen } = evaluation
  const label = splitLabels(direction, 'model')
  const subtitle = direction.title
  const { fractions } = splits.ood.losses
  const dimension = splits.ood.images.data.length / splits.ood.images.shape[0]!
  const mark = { scale: tFrac, label: `chosen t_frac: ${tFrac}` }
  const bins = splits.ood.logProb.length < 256 ? 20 : 40
  const histogram = (
    title: string,
    xTitle: string,
    values: (name: SplitName) => Float64Array,
    marks: { x: number; label: string }[] = [],
  ): PlotSpec =>
    histogramPlot({
      title,
      subtitle,
      xTitle,
      bins,
      marks,
      series: splitNames.map((name) => ({ name, label: label[name], values: values(name) })),
    })
  const curve = (what: string, values: (name: SplitName) => Float64Array, auc: number) => {
    const roc = rocCurve(
      values('in_distr_test').map((value) => -value),
      values('ood').map((value) => -value),
    )
    return { label: what, fpr: roc.falsePositiveRate, tpr: roc.truePositiveRate, auc }
  }
  return {
    'loss-trend': lidCurvePlot({
      title: 'Denoising error of the noise levels up to t_frac',
      subtitle,
      scales: fractions,
      xTitle: 't_frac: share of the diffusion time (small: fine detail; 1: everything)',
      yTitle: 'L(t_frac) per pixel (squared error of the noise)',
      series: splitNames.map((name) => ({
        name,
        label: label[name],
        curves: lossCurves(splits[name].losses, dimension),
      })),
      marks: [mark],
    }),
    'ratio-trend': lidCurvePlot({
      title: 'The ratio log L(1) - log L(t_frac), against training images',
      subtitle,
      scales: fractions.subarray(0, -1),
      xTitle: 't_frac: where fine levels end',
      yTitle: 'standard deviations from training images',
      series: splitNames.map((name) => ({
        name,
        label: label[name],
        curves: ratioCurves(splits[name].losses, splits.in_distr_train.losses),
      })),
      marks: [mark],
    }),
    likelihood: histogram(
      'Log-likelihood by the probability-flow ODE',
      'log-likelihood (nats, noise of one grey level)',
      (name) => splits[name].logProb,
    ),
    ratio: histogram(
      `The ratio at t_frac = ${tFrac}`,
      'log L(1) - log L(t_frac): higher = more OOD',
      (name) => score[name],
    ),
    joint: histogram(
      'Ratio and likelihood bound, one score',
      'standard deviations from training images: higher = more OOD',
      (name) => joint.score[name],
      [{ x: threshold, label: '5 % of training above' }],
    ),
    scatter: scatterPlot({
      title: 'The ratio against the likelihood bound',
      subtitle,
      xTitle: 'L(1) per pixel: error at all levels (a bound of the likelihood)',
      yTitle: 'log L(1) - log L(t_frac)',
      series: splitNames.map((name) => ({
        name,
        label: label[name],
        x: columnAt(splits[name].losses, 1).map((value) => value / dimension),
        y: score[name],
      })),
    }),
    roc: rocPlot({
      title: 'Accepting test images, rejecting the other data set',
      subtitle,
      curves: [
        curve('ODE log-likelihood', (name) => splits[name].logProb.map((value) => -value), likelihood.inDistr),
        curve(
          'published difference, 0.25, same cost',
          (name) => lossRatio(splits[name].reference, { tFrac: 0.25, form: 'difference' }).score,
          evaluation.variants['published-difference'].find(({ tFrac: at }) => at === 0.25)!.auc.inDistr,
        ),
        curve('log-ratio, chosen t_frac', (name) => score[name], chosen.inDistr),
        curve('ratio and bound, one score', (name) => joint.score[name], joint.auc.inDistr),
      ],
      xTitle: `share of ${dataSetTitle[direction.ood]} accepted`,
      yTitle: `share of ${dataSetTitle[direction.inDistribution]} accepted`,
    }),
  }
}
