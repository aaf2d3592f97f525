// Writes what people read: CSVs per split, figures as SVG and Vega-Lite JSON, and one self-contained report.html.

import { rowSize } from '@ood/core'
import { lossRatio, publishedFractions } from '@ood/llr'
import { type ReportTable, shareText } from '@ood/plots'
import type { Run } from '@ood/run'
import { curveOf, imageSheet, rocChart, splitCharts } from '../common/charts.ts'
import type { CommonOptions } from '../common/command-line.ts'
import type { Report } from '../common/example.ts'
import type { Section } from '../common/figures.ts'
import type { AucPair } from '../common/judge.ts'
import { flaggedTable } from '../common/lid-charts.ts'
import { againstRows, aucHighlight, intervalText, likelihoodInterval } from '../common/report-text.ts'
import { dataSetTitle, mean, pairTitle, type SplitName, splitNames, titlesOf } from '../common/splits.ts'
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
  return {
    title: 'A likelihood ratio from one diffusion model',
    intro: intro(all, n),
    rows: { label: 'images', value: `${n} a split` },
    highlights: all.flatMap(({ direction, splits, evaluation: { likelihood, joint } }) => {
      const alone = likelihoodInterval(splits.in_distr_test, splits.ood)
      return [
        aucHighlight(`AUC of the likelihood, ${pairTitle(direction)}`, likelihood.inDistr, { n, interval: alone }),
        aucHighlight(`with the ratio beside it, ${pairTitle(direction)}`, joint.auc.inDistr, { n, ...joint }),
      ]
    }),
    sections: [aucSection(all), ...all.map(directionSection), costSection(all), methodSection],
  }
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

function intro(all: readonly DirectionResult[], n: number): string {
  const sentences = all.map(({ direction, evaluation: { likelihood, chosen, joint, tFrac } }) => {
    const [inside, outside] = titlesOf(direction)
    return `Trained on ${inside} and shown ${outside}, the likelihood has an AUC of ${shareText(likelihood.inDistr)}, the ratio ${shareText(chosen.inDistr)} (t_frac = ${tFrac}), both as one score ${shareText(joint.auc.inDistr, { n })}.`
  })
  return [
    'How well a diffusion model removes noise from an image depends on two things: how complex the image is, and whether the model knows what it shows. Small noise asks about the first, large noise about the second. The ratio of the errors at all levels to those at fine levels discounts complexity with one network and no derivatives.',
    sentences.join(' '),
    'The ratio is one-sided: it finds simple images that the likelihood takes for likely, and lets complex ones pass, which the likelihood finds. The detector takes whichever of the two is further out, measured on training images.',
    'The level that divides fine from coarse, t_frac, was chosen on training images only: where they are best told from the same images turned by a quarter and by a half.',
  ].join('\n\n')
}

function aucSection(all: readonly DirectionResult[]): Section {
  const rows = againstRows(all, ({ direction, evaluation }, side) => {
    const { likelihood, bound, chosen, joint, tFrac } = evaluation
    const published = evaluation.variants['published-difference'].map(({ auc }) => auc[side])
    const aucs = [likelihood[side], bound[side], Math.max(...published), chosen[side], joint.auc[side]]
    return [dataSetTitle[direction.inDistribution], ...aucs, String(tFrac)]
  })
  const head = ['', 'model of', 'ODE log p', 'L(1)', 'published, best t_frac', 'ratio', 'ratio and L(1)', 't_frac']
  return {
    heading: 'Area under the ROC curve',
    blocks: [
      {
        table: [head, ...rows],
        caption:
          '1 is perfect, 0.5 is a coin, below 0.5 prefers the wrong data set. L(1) is the denoising error over all levels, a bound of the likelihood. "Published, best t_frac" takes the best of five with the evaluation data in hand, as the published tables do; "ratio" has one t_frac, chosen on training images, and "ratio and L(1)" is the larger of the two, each standardised on training images.',
      },
    ],
  }
}

function directionSection(result: DirectionResult): Section {
  const { direction, images, splits, evaluation } = result
  const [inside, outside] = titlesOf(direction)
  const { joint, tFrac, choices, score, likelihood, chosen } = evaluation
  const charts = splitCharts(direction, 'model', splits.ood.logProb.length)
  const { fractions } = splits.ood.losses
  const pixels = rowSize(images.ood)
  const marks = [{ scale: tFrac, label: `chosen t_frac: ${tFrac}` }]
  const curve = (what: string, values: (split: SplitName) => Float64Array, auc: number) =>
    curveOf(what, values('in_distr_test'), values('ood'), auc)
  const difference = (split: SplitName) => lossRatio(splits[split].reference, { tFrac: 0.25, form: 'difference' }).score
  const published = evaluation.variants['published-difference'].find(({ tFrac: at }) => at === 0.25)!
  const detector = 'one number an image and a threshold from training images'
  return {
    heading: `Model trained on ${inside}, against ${outside}`,
    folder: `${direction.checkpoint}/figures`,
    blocks: [
      imageSheet(direction, images, 'model'),
      charts.curves({
        name: 'loss-trend',
        title: 'Denoising error of the noise levels up to t_frac',
        xTitle: 't_frac: share of the diffusion time (small: fine detail; 1: everything)',
        yTitle: 'L(t_frac) per pixel (squared error of the noise)',
        scales: fractions,
        curves: (split) => lossCurves(splits[split].losses, pixels),
        marks,
        caption:
          "How wrong the network's guess at the noise is, averaged over the levels up to t_frac. At the left end only detail counts.",
      }),
      charts.curves({
        name: 'ratio-trend',
        title: 'The ratio log L(1) - log L(t_frac), against training images',
        xTitle: 't_frac: where fine levels end',
        yTitle: 'standard deviations from training images',
        scales: fractions.subarray(0, -1),
        curves: (split) => ratioCurves(splits[split].losses, splits.in_distr_train.losses),
        marks,
        caption:
          'The same evaluations as ratios, for every t_frac at once: no further run of the network. Above 0: more coarse error for its fine error than training images have.',
      }),
      [
        charts.histogram({
          name: 'likelihood',
          title: 'Log-likelihood by the probability-flow ODE',
          xTitle: 'log-likelihood (nats, noise of one grey level)',
          values: (split) => splits[split].logProb,
        }),
        charts.histogram({
          name: 'ratio',
          title: `The ratio at t_frac = ${tFrac}`,
          xTitle: 'log L(1) - log L(t_frac): higher = more OOD',
          values: (split) => score[split],
        }),
      ],
      [
        charts.scatter({
          name: 'scatter',
          title: 'The ratio against the likelihood bound',
          xTitle: 'L(1) per pixel: error at all levels (a bound of the likelihood)',
          yTitle: 'log L(1) - log L(t_frac)',
          x: (split) => lossAt(splits[split].losses, 1).map((value) => value / pixels),
          y: (split) => score[split],
        }),
        charts.histogram({
          name: 'joint',
          title: 'Ratio and likelihood bound, one score',
          xTitle: 'standard deviations from training images: higher = more OOD',
          values: (split) => joint.score[split],
          marks: [{ x: joint.threshold, label: '5 % of training above' }],
        }),
      ],
      rocChart(direction, [
        curve('ODE log-likelihood', (split) => splits[split].logProb.map((value) => -value), likelihood.inDistr),
        curve('published difference, 0.25, same cost', difference, published.auc.inDistr),
        curve('log-ratio, chosen t_frac', (split) => score[split], chosen.inDistr),
        curve('ratio and bound, one score', (split) => joint.score[split], joint.auc.inDistr),
      ]),
      { text: intervalText('joint score', joint.interval) },
      variantTable(result, 'inDistr', `${inside} test images against ${outside}, every t_frac.`),
      variantTable(result, 'generated', `Generated images against ${outside}, every t_frac.`),
      {
        table: [
          ['rule for t_frac', 't_frac', 'test', 'generated', ...choices.separation.fractions].map((cell) =>
            typeof cell === 'number' ? `at ${cell}` : cell,
          ),
          ...fractionRules.map((rule) => {
            const { tFrac: at, auc } = evaluation.rules[rule]
            const name = rule === DEFAULT_RULE ? `**${ruleTitle[rule]}** (default)` : ruleTitle[rule]
            return [name, String(at), auc.inDistr, auc.generated, ...choices[rule].criterion]
          }),
        ],
        caption:
          'What each rule chooses from training images, the AUCs it leads to, and its criterion at every t_frac (largest wins): mean AUC against turned training images, correlation, minus the variance.',
      },
      flaggedTable(direction, joint.flagged, { model: 'model', detector }, [
        ['mean log p (nats)', ...splitNames.map((split) => mean(splits[split].logProb).toFixed(0))],
        [`mean ratio at t_frac ${tFrac}`, ...splitNames.map((split) => mean(evaluation.score[split]).toFixed(3))],
      ]),
    ],
  }
}

function variantTable({ evaluation }: DirectionResult, side: keyof AucPair, caption: string): ReportTable {
  const rows = variants.map(({ key }) => {
    const found = publishedFractions.map((at) => evaluation.variants[key].find(({ tFrac }) => tFrac === at)!)
    const noise = found.map(({ standardError }) => standardError)
    return [
      variantTitle[key],
      ...found.map(({ auc }) => auc[side]),
      `${(100 * Math.min(...noise)).toFixed(0)}-${(100 * Math.max(...noise)).toFixed(0)} %`,
    ]
  })
  return {
    table: [['AUC', ...publishedFractions.map((at) => `t_frac ${at}`), 'noise'], ...rows],
    caption: `${caption} "Noise" is the standard error of a score from its probes as a share of the spread over test images; every row had about the same number of network evaluations.`,
  }
}

function costSection(all: readonly DirectionResult[]): Section {
  return {
    heading: 'Cost',
    blocks: [
      {
        table: [
          ['model', 'ratio, all t_frac', 'published, five t_frac', 'ratio, s', 'published, s', 'ODE log p, s'],
          ...all.map(({ direction, splits, seconds }) => [
            dataSetTitle[direction.inDistribution],
            `${splits.ood.losses.evaluations} evaluations`,
            `${splits.ood.reference.evaluations} evaluations`,
            seconds.ratio.toFixed(2),
            seconds.reference.toFixed(2),
            seconds.likelihood.toFixed(2),
          ]),
        ],
        caption:
          'Network evaluations and seconds an image on all workers, of the quickest split. The ODE log-likelihood also needs derivatives.',
      },
    ],
  }
}

const methodSection: Section = {
  heading: 'How it is computed',
  blocks: [
    {
      text: [
        'Noise eps is added at time t, x_t = μ(t) x + σ(t) eps, and the network, which gives σ(t) times the score, says -eps as well as it can. L(t_frac) is the mean of |net + eps|² over log noise levels up to t_frac T. For an exact model, L(1) times the range of log noise is -log p(x) up to a constant, so L splits the log-likelihood by level.',
        'Score: log L(1) - log L(t_frac), higher = more OOD. The published score is the difference L(t_frac) - L(1) of another loss (L1 norm, weight (t + 0.5) / σ, larger = in-distribution), with independent random draws for the two terms; here its sign is turned.',
        'Times are stratified and cut at every t_frac, so all ratios come from the same evaluations and the two terms share their noise. All images get the same times and noise, which makes a score a function of the image and the seed; it does not make scores quieter, since how an image answers the same noise is its own.',
        'The ratio is one-sided by design: an image of much detail, or with added pixel noise, has a large fine error and so a small ratio. The detector therefore takes max(z(log L(1)), z(ratio)), each standardised by its mean and standard deviation over training images: two cuts as one number.',
      ].join('\n\n'),
    },
  ],
}
