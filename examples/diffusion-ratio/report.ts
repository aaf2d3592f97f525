// What the example shows: CSVs per split, figures, tables and the numbers of its words, which are in report.md.
import { rowSize } from '@ood/core'
import { lossRatio, publishedFractions } from '@ood/llr'
import type { ReportTable } from '@ood/plots'
import type { Run } from '@ood/run'
import { curveOf, imageSheet, rocChart, splitCharts } from '../common/charts.ts'
import type { CommonOptions } from '../common/command-line.ts'
import { type Report, wordsBeside } from '../common/example.ts'
import { inFolder } from '../common/figures.ts'
import type { AucPair } from '../common/judge.ts'
import { flaggedTable } from '../common/lid-charts.ts'
import { againstRows, aucWords, intervalText, likelihoodInterval, samplesText } from '../common/report-text.ts'
import { dataSetTitle, mean, type SplitName, splitNames, titlesOf } from '../common/splits.ts'
import { DEFAULT_RULE, type FractionRule, fractionRules } from './choose.ts'
import { type DirectionResult, ratioCurves, type VariantKey, variants } from './evaluate.ts'
import { lossAt, lossCurves } from './losses.ts'

const variantTitle: Record<VariantKey, string> = {
  'likelihood-log-ratio': 'log-ratio, likelihood weights (default)',
  'likelihood-difference': 'difference, likelihood weights',
  'published-log-ratio': 'log-ratio, published weights and draws',
  'published-difference': 'difference, published weights and draws',
}

const ruleTitle: Record<FractionRule, string> = {
  separation: 'tells training images from turned ones',
  coupling: 'fine and coarse errors most correlated',
  leastVariance: 'ratio varies least over training images',
}

export function report(all: readonly DirectionResult[], { n }: CommonOptions): Report {
  const directions = all.map((result) => valuesOf(result, n))
  const values = { directions, aucs: aucTable(all), cost: costTable(all) }
  return { ...wordsBeside(import.meta.url, values), rows: { label: 'images', value: `${n} a split` } }
}

export function files(run: Run<unknown>, all: readonly DirectionResult[]): void {
  for (const { direction, splits, images, evaluation } of all) {
    for (const split of splitNames) {
      const folder = `${direction.checkpoint}/${split}`
      const { logProb, losses } = splits[split]
      const columns: Record<string, Float64Array> = { likelihood: logProb, ratio: evaluation.score[split] }
      for (const fraction of losses.fractions) columns[`loss-${fraction}`] = lossAt(losses, fraction)
      run.writeCsv(folder, columns)
      run.writeTrend(folder, losses.fractions, lossCurves(losses, rowSize(images[split])))
    }
  }
}

/** What the report says and shows of one direction. */
function valuesOf(result: DirectionResult, n: number) {
  const { direction, splits, evaluation } = result
  const { likelihood, chosen, joint, tFrac } = evaluation
  const [inside, outside] = titlesOf(direction)
  const interval = likelihoodInterval(splits.in_distr_test, splits.ood)
  return {
    ...{ inside, outside, tFrac },
    likelihood: aucWords(likelihood.inDistr, { n, interval }),
    ratio: aucWords(chosen.inDistr, { n }),
    joint: aucWords(joint.auc.inDistr, { n, ...joint }),
    interval: intervalText('joint score', joint.interval),
    samples: samplesText('model', inside, joint.flagged),
    figures: inFolder(`${direction.checkpoint}/figures`, figuresOf(result)),
    tables: {
      test: variantTable(result, 'inDistr'),
      generated: variantTable(result, 'generated'),
      rules: ruleTable(result),
      flagged: flaggedTable(direction, joint.flagged, [
        ['mean log p (nats)', ...splitNames.map((split) => mean(splits[split].logProb).toFixed(0))],
        [`mean ratio at t_frac ${tFrac}`, ...splitNames.map((split) => mean(evaluation.score[split]).toFixed(3))],
      ]),
    },
  }
}

function aucTable(all: readonly DirectionResult[]): ReportTable {
  const rows = againstRows(all, ({ direction, evaluation }, side) => {
    const { likelihood, bound, chosen, joint, tFrac } = evaluation
    const published = evaluation.variants['published-difference'].map(({ auc }) => auc[side])
    const aucs = [likelihood[side], bound[side], Math.max(...published), chosen[side], joint.auc[side]]
    return [dataSetTitle[direction.inDistribution], ...aucs, String(tFrac)]
  })
  const head = ['', 'model of', 'ODE log p', 'L(1)', 'published, best t_frac', 'ratio', 'ratio and L(1)', 't_frac']
  return { table: [head, ...rows] }
}

function figuresOf({ direction, images, splits, evaluation }: DirectionResult) {
  const { joint, tFrac, score, likelihood, chosen } = evaluation
  const charts = splitCharts(direction, 'model', splits.ood.logProb.length)
  const { fractions } = splits.ood.losses
  const pixels = rowSize(images.ood)
  const marks = [{ scale: tFrac, label: `chosen t_frac: ${tFrac}` }]
  const curve = (what: string, values: (split: SplitName) => Float64Array, auc: number) =>
    curveOf(what, values('in_distr_test'), values('ood'), auc)
  const difference = (split: SplitName) => lossRatio(splits[split].reference, { tFrac: 0.25, form: 'difference' }).score
  const published = evaluation.variants['published-difference'].find(({ tFrac: at }) => at === 0.25)!
  return {
    images: imageSheet(direction, images, 'model'),
    lossTrend: charts.curves({
      name: 'loss-trend',
      title: 'Denoising error of the noise levels up to t_frac',
      xTitle: 't_frac: share of the diffusion time (small: fine detail; 1: everything)',
      yTitle: 'L(t_frac) per pixel (squared error of the noise)',
      scales: fractions,
      curves: (split) => lossCurves(splits[split].losses, pixels),
      marks,
    }),
    ratioTrend: charts.curves({
      name: 'ratio-trend',
      title: 'The ratio log L(1) - log L(t_frac), against training images',
      xTitle: 't_frac: where fine levels end',
      yTitle: 'standard deviations from training images',
      scales: fractions.subarray(0, -1),
      curves: (split) => ratioCurves(splits[split].losses, splits.in_distr_train.losses),
      marks,
    }),
    likelihood: charts.histogram({
      name: 'likelihood',
      title: 'Log-likelihood by the probability-flow ODE',
      xTitle: 'log-likelihood (nats, noise of one grey level)',
      values: (split) => splits[split].logProb,
    }),
    ratio: charts.histogram({
      name: 'ratio',
      title: `The ratio at t_frac = ${tFrac}`,
      xTitle: 'log L(1) - log L(t_frac): higher = more OOD',
      values: (split) => score[split],
    }),
    scatter: charts.scatter({
      name: 'scatter',
      title: 'The ratio against the likelihood bound',
      xTitle: 'L(1) per pixel: error at all levels (a bound of the likelihood)',
      yTitle: 'log L(1) - log L(t_frac)',
      x: (split) => lossAt(splits[split].losses, 1).map((value) => value / pixels),
      y: (split) => score[split],
    }),
    joint: charts.histogram({
      name: 'joint',
      title: 'Ratio and likelihood bound, one score',
      xTitle: 'standard deviations from training images: higher = more OOD',
      values: (split) => joint.score[split],
      marks: [{ x: joint.threshold, label: '5 % of training above' }],
    }),
    roc: rocChart(direction, [
      curve('ODE log-likelihood', (split) => splits[split].logProb.map((value) => -value), likelihood.inDistr),
      curve('published difference, 0.25, same cost', difference, published.auc.inDistr),
      curve('log-ratio, chosen t_frac', (split) => score[split], chosen.inDistr),
      curve('ratio and bound, one score', (split) => joint.score[split], joint.auc.inDistr),
    ]),
  }
}

function ruleTable({ evaluation: { choices, rules } }: DirectionResult): ReportTable {
  const fractions = Array.from(choices.separation.fractions, (at) => `at ${at}`)
  const rows = fractionRules.map((rule) => {
    const { tFrac, auc } = rules[rule]
    const name = rule === DEFAULT_RULE ? `**${ruleTitle[rule]}** (default)` : ruleTitle[rule]
    return [name, String(tFrac), auc.inDistr, auc.generated, ...choices[rule].criterion]
  })
  return { table: [['rule for t_frac', 't_frac', 'test', 'generated', ...fractions], ...rows] }
}

function variantTable({ evaluation }: DirectionResult, side: keyof AucPair): ReportTable {
  const rows = variants.map(({ key }) => {
    const found = publishedFractions.map((at) => evaluation.variants[key].find(({ tFrac }) => tFrac === at)!)
    const noise = found.map(({ standardError }) => standardError)
    return [
      variantTitle[key],
      ...found.map(({ auc }) => auc[side]),
      `${(100 * Math.min(...noise)).toFixed(0)}-${(100 * Math.max(...noise)).toFixed(0)} %`,
    ]
  })
  return { table: [['AUC', ...publishedFractions.map((at) => `t_frac ${at}`), 'noise'], ...rows] }
}

function costTable(all: readonly DirectionResult[]): ReportTable {
  const head = ['model', 'ratio, all t_frac', 'published, five t_frac', 'ratio, s', 'published, s', 'ODE log p, s']
  const rows = all.map(({ direction, splits, seconds }) => [
    dataSetTitle[direction.inDistribution],
    `${splits.ood.losses.evaluations} evaluations`,
    `${splits.ood.reference.evaluations} evaluations`,
    ...[seconds.ratio, seconds.reference, seconds.likelihood].map((each) => each.toFixed(2)),
  ])
  return { table: [head, ...rows] }
}
