// The figures of one direction: losses and ratios over t_frac, histograms, the ratio against the bound, ROC curves.
import { flatData, rowSize } from '@ood/core'
import { type DenoisingLosses, lossRatio } from '@ood/llr'
import type { PlotSpec } from '@ood/plots'
import { curveOf, rocChart, splitCharts } from '../common/charts.ts'
import type { SplitName } from '../common/splits.ts'
import { type DirectionResult, fitJoint } from './evaluate.ts'
import { lossAt } from './losses.ts'

/** L(t_frac) over D of every image: squared error of the noise a pixel, over the levels up to t_frac. */
export function lossCurves({ loss, fractions }: DenoisingLosses, dimension: number): Float64Array[] {
  const data = flatData(loss)
  const k = fractions.length
  return Array.from({ length: data.length / k }, (_, i) =>
    Float64Array.from(data.subarray(i * k, (i + 1) * k), (value) => value / dimension),
  )
}

/** The ratio of every image at every t_frac below 1, in standard deviations from the mean of training images. */
function ratioCurves(losses: DenoisingLosses, train: DenoisingLosses): Float64Array[] {
  const scores = Array.from(losses.fractions.subarray(0, -1), (tFrac) => {
    const ratio = fitJoint(train, tFrac)[1]!
    return lossRatio(losses, { tFrac }).score.map((value) => (value - ratio.mean) / ratio.standardDeviation)
  })
  return Array.from({ length: losses.loss.shape[0]! }, (_, i) => Float64Array.from(scores, (score) => score[i]!))
}

/** Charts of one direction by file name. */
export function figures({ direction, images, splits, evaluation }: DirectionResult): Record<string, PlotSpec> {
  const { tFrac, score, joint, likelihood, chosen } = evaluation
  const charts = splitCharts(direction, 'model', splits.ood.logProb.length)
  const { fractions } = splits.ood.losses
  const dimension = rowSize(images.ood)
  const mark = [{ scale: tFrac, label: `chosen t_frac: ${tFrac}` }]
  const curve = (what: string, values: (split: SplitName) => Float64Array, auc: number) =>
    curveOf(what, values('in_distr_test'), values('ood'), auc)
  const difference = (split: SplitName) => lossRatio(splits[split].reference, { tFrac: 0.25, form: 'difference' }).score
  const published = evaluation.variants['published-difference'].find(({ tFrac: at }) => at === 0.25)!
  return {
    'loss-trend': charts.curves(
      {
        title: 'Denoising error of the noise levels up to t_frac',
        xTitle: 't_frac: share of the diffusion time (small: fine detail; 1: everything)',
        yTitle: 'L(t_frac) per pixel (squared error of the noise)',
      },
      fractions,
      (split) => lossCurves(splits[split].losses, dimension),
      mark,
    ),
    'ratio-trend': charts.curves(
      {
        title: 'The ratio log L(1) - log L(t_frac), against training images',
        xTitle: 't_frac: where fine levels end',
        yTitle: 'standard deviations from training images',
      },
      fractions.subarray(0, -1),
      (split) => ratioCurves(splits[split].losses, splits.in_distr_train.losses),
      mark,
    ),
    likelihood: charts.histogram(
      'Log-likelihood by the probability-flow ODE',
      'log-likelihood (nats, noise of one grey level)',
      (split) => splits[split].logProb,
    ),
    ratio: charts.histogram(
      `The ratio at t_frac = ${tFrac}`,
      'log L(1) - log L(t_frac): higher = more OOD',
      (split) => score[split],
    ),
    joint: charts.histogram(
      'Ratio and likelihood bound, one score',
      'standard deviations from training images: higher = more OOD',
      (split) => joint.score[split],
      [{ x: joint.threshold, label: '5 % of training above' }],
    ),
    scatter: charts.scatter(
      {
        title: 'The ratio against the likelihood bound',
        xTitle: 'L(1) per pixel: error at all levels (a bound of the likelihood)',
        yTitle: 'log L(1) - log L(t_frac)',
      },
      (split) => lossAt(splits[split].losses, 1).map((value) => value / dimension),
      (split) => score[split],
    ),
    roc: rocChart(direction, [
      curve('ODE log-likelihood', (split) => splits[split].logProb.map((value) => -value), likelihood.inDistr),
      curve('published difference, 0.25, same cost', difference, published.auc.inDistr),
      curve('log-ratio, chosen t_frac', (split) => score[split], chosen.inDistr),
      curve('ratio and bound, one score', (split) => joint.score[split], joint.auc.inDistr),
    ]),
  }
}
