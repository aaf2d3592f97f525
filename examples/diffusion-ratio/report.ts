// Writes what people read: CSVs per split, figures as SVG and Vega-Lite JSON, and one self-contained report.html.

import { rowSize } from '@ood/core'
import { publishedFractions } from '@ood/llr'
import { type ReportSection, type ReportTable, shareText } from '@ood/plots'
import type { Run } from '@ood/run'
import { imageSheet } from '../common/charts.ts'
import type { CommonOptions } from '../common/command-line.ts'
import type { Report } from '../common/example.ts'
import type { AucPair } from '../common/judge.ts'
import { flaggedTable } from '../common/lid-charts.ts'
import { againstRows, aucHighlight, intervalText, likelihoodInterval } from '../common/report-text.ts'
import { dataSetTitle, mean, splitNames } from '../common/splits.ts'
import { writeFigures } from '../common/write-figures.ts'
import { DEFAULT_RULE, type FractionRule, fractionRules } from './choose.ts'
import { type DirectionResult, type VariantKey, variants } from './evaluate.ts'
import { figures, lossCurves } from './figures.ts'
import { lossAt } from './losses.ts'

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

export async function report(
  run: Run<unknown>,
  all: readonly DirectionResult[],
  { n }: CommonOptions,
): Promise<Report> {
  const sections: ReportSection[] = [aucSection(all)]
  for (const result of all) {
    writeSplits(run, result)
    const pictures = { images: imageSheet(result.direction, result.images, 'model') }
    const svg = await writeFigures(run, `${result.direction.checkpoint}/figures`, figures(result), pictures)
    sections.push(directionSection(result, svg))
  }
  return {
    title: 'A likelihood ratio from one diffusion model',
    intro: intro(all, n),
    rows: { label: 'images', value: `${n} a split` },
    highlights: all.flatMap(({ direction, splits, evaluation: { likelihood, joint } }) => {
      const pair = `${dataSetTitle[direction.inDistribution]} against ${dataSetTitle[direction.ood]}`
      const alone = likelihoodInterval(splits.in_distr_test, splits.ood)
      return [
        aucHighlight(`AUC of the likelihood, ${pair}`, likelihood.inDistr, { n, interval: alone }),
        aucHighlight(`with the ratio beside it, ${pair}`, joint.auc.inDistr, { n, interval: joint.interval }),
      ]
    }),
    sections: [...sections, costSection(all), methodSection],
  }
}

function writeSplits(run: Run<unknown>, { direction, splits, images, evaluation }: DirectionResult): void {
  for (const split of splitNames) {
    const folder = `${direction.checkpoint}/${split}`
    const { logProb, losses } = splits[split]
    const columns: Record<string, Float64Array> = { likelihood: logProb, ratio: evaluation.score[split] }
    for (const fraction of losses.fractions) columns[`loss-${fraction}`] = lossAt(losses, fraction)
    run.writeCsv(folder, columns)
    run.writeTrend(folder, losses.fractions, lossCurves(losses, rowSize(images[split])))
  }
}

function intro(all: readonly DirectionResult[], n: number): string {
  const sentences = all.map(({ direction, evaluation: { likelihood, chosen, joint, tFrac } }) => {
    const inside = dataSetTitle[direction.inDistribution]
    const outside = dataSetTitle[direction.ood]
    return `Trained on ${inside} and shown ${outside}, the likelihood has an AUC of ${shareText(likelihood.inDistr)}, the ratio ${shareText(chosen.inDistr)} (t_frac = ${tFrac}), both as one score ${shareText(joint.auc.inDistr, { n })}.`
  })
  return [
    'How well a diffusion model removes noise from an image depends on two things: how complex the image is, and whether the model knows what it shows. Small noise asks about the first, large noise about the second. The ratio of the errors at all levels to those at fine levels discounts complexity with one network and no derivatives.',
    sentences.join(' '),
    'The ratio is one-sided: it finds simple images that the likelihood takes for likely, and lets complex ones pass, which the likelihood finds. The detector takes whichever of the two is further out, measured on training images.',
    'The level that divides fine from coarse, t_frac, was chosen on training images only: where they are best told from the same images turned by a quarter and by a half.',
  ].join('\n\n')
}

function aucSection(all: readonly DirectionResult[]): ReportSection {
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

function directionSection(result: DirectionResult, svg: Record<string, string>): ReportSection {
  const { direction, splits, evaluation } = result
  const [inside, outside] = [dataSetTitle[direction.inDistribution], dataSetTitle[direction.ood]]
  const { joint, tFrac, choices } = evaluation
  const detector = 'one number an image and a threshold from training images'
  return {
    heading: `Model trained on ${inside}, against ${outside}`,
    blocks: [
      {
        svg: svg.images!,
        caption: 'The first images of each split. Generated images are samples of the model itself.',
      },
      {
        svg: svg['loss-trend']!,
        caption: `How wrong the network's guess at the noise is, averaged over the levels up to t_frac. At the left end only detail counts.`,
      },
      {
        svg: svg['ratio-trend']!,
        caption:
          'The same evaluations as ratios, for every t_frac at once: no further run of the network. Above 0: more coarse error for its fine error than training images have.',
      },
      { figures: [{ svg: svg.likelihood! }, { svg: svg.ratio! }] },
      { figures: [{ svg: svg.scatter! }, { svg: svg.joint! }] },
      { svg: svg.roc! },
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

function costSection(all: readonly DirectionResult[]): ReportSection {
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

const methodSection: ReportSection = {
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
