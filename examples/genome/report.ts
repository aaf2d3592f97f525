// What the example shows and says: CSVs per split, figures, tables, prose.
import { rocPlot, shareText } from '@ood/plots'
import type { Run } from '@ood/run'
import { chartsOf, confusionChart, curveOf } from '../common/charts.ts'
import { type Decided, decisionTable, signed } from '../common/decisions.ts'
import type { Report } from '../common/example.ts'
import { type Figure, figure, type Section } from '../common/figures.ts'
import { aucHighlight } from '../common/report-text.ts'
import { type Method, OUTLIER_PERCENTAGE, scoresOf } from './choose.ts'
import { type SplitName, splitNames } from './data.ts'
import { baseMaps, WINDOW } from './maps.ts'
import type { Result } from './result.ts'
import { methodSection, methodTitle, scoreTable, splitTitle } from './tables.ts'

export function report(result: Result): Report {
  const { ratio, likelihood } = result.evaluation.results
  const n = testSequences(result)
  return {
    title: 'Likelihood ratios for DNA',
    intro: intro(result),
    rows: { label: 'test sequences', value: `${n} a side` },
    highlights: [
      aucHighlight('AUC of the likelihood, known against unknown classes', likelihood.auc, { n, ...likelihood }),
      aucHighlight('AUC of the likelihood ratio', ratio.auc, { n, ...ratio }),
      {
        value: signed(likelihood.gcCorrelation, 2),
        label: 'correlation of the likelihood score with extreme G and C content',
      },
      { value: signed(ratio.gcCorrelation, 2), label: 'of the ratio score' },
    ],
    sections: [...resultSections(result), methodSection(result)],
  }
}

export function files(run: Run<unknown>, { measured, splits }: Result): void {
  for (const split of splitNames) {
    const { lstm, exact } = measured[split]
    run.writeCsv(split, {
      likelihood: lstm.semantic,
      backgroundLikelihood: lstm.background,
      oodScore: lstm.score,
      gcContent: splits[split].gcContent,
      label: splits[split].labels,
      ...(exact && { exactLikelihood: exact.semantic, exactOodScore: exact.score }),
    })
  }
}

function intro(result: Result): string {
  const { evaluation, real } = result
  const n = testSequences(result)
  const { ratio, likelihood } = evaluation.results
  const exact = evaluation.exact
    ? ` The exact models that made these sequences would reach ${shareText(evaluation.exact.ratio)}.`
    : ''
  return [
    `An LSTM learns what the DNA of ten ${real ? 'kinds of bacteria' : 'synthetic kinds'} looks like. Asked about kinds it has never seen, its likelihood says little (AUC ${shareText(likelihood.auc)}, n = ${n}), because it follows how much G and C a sequence has, which differs as much within a kind as between kinds.`,
    `A second LSTM, trained on sequences with every fifth base replaced, has learnt that background and little else. The ratio of the two likelihoods cancels it: AUC ${shareText(ratio.auc, { n })}.${exact}`,
  ].join('\n\n')
}

/** Test sequences on the smaller side. */
function testSequences({ measured }: Result): number {
  return Math.min(measured.test_in.lstm.score.length, measured.test_ood.lstm.score.length)
}

/** What the scores reach, what the likelihood follows, and where in the sequences the evidence lies. */
function resultSections(result: Result): Section[] {
  const { splits, measured, evaluation, choices, length } = result
  const { results, scores } = evaluation
  const { normal, reference, clean } = results.ratio.decided
  const [inside, outside] = choices.batch
  const charts = chartsOf<SplitName>(
    [
      { set: 'val_in', name: 'in_distr_train', label: splitTitle.val_in },
      { set: 'test_in', name: 'in_distr_test', label: splitTitle.test_in },
      { set: 'test_ood', name: 'ood', label: splitTitle.test_ood },
    ],
    { subtitle: `sequences of ${length} bases`, rows: scores.test_in.ratio.length, yTitle: 'share of sequences' },
  )
  const likelihood = {
    xTitle: 'mean log p of a base (nats)',
    values: (split: SplitName) => measured[split].lstm.semantic,
  }
  const ratio: typeof likelihood = {
    xTitle: 'mean log ratio of a base (nats)',
    values: (split: SplitName) => scores[split].ratio.map((score) => -score),
  }
  const againstGc = (name: string, title: string, { xTitle: yTitle, values }: typeof likelihood, caption: string) =>
    charts.scatter({
      ...{ name, title, caption, xTitle: 'G and C content', yTitle, maxPoints: 600, only: ['test_in', 'test_ood'] },
      x: (split) => splits[split].gcContent,
      y: values,
    })
  const confusion = (name: string, title: string, at: Decided, caption: string) => {
    const subtitle = `ratio below ${signed(-at.threshold, 4)} nats a base is called OOD`
    const words = { name: `confusion-${name}`, title, subtitle, caption, xTitle: 'called', yTitle: 'is' }
    return confusionChart(words, ['known', 'unknown'], at)
  }
  const gaps = splits.test_in.coding
    ? ' Hatched in the third strip are the gaps between genes, in which every class is alike: no evidence is to be had there.'
    : ''
  return [
    {
      heading: 'Likelihood against ratio',
      blocks: [
        [
          charts.histogram({ name: 'likelihood', title: 'Log-likelihood under the semantic model', ...likelihood }),
          charts.histogram({
            name: 'ratio',
            title: 'Likelihood ratio: semantic over background',
            ...ratio,
            marks: [
              { x: -normal.threshold, label: 'mixed batch' },
              { x: -clean.threshold, label: 'in distribution' },
            ],
            caption: 'Sequences left of a line are called OOD.',
          }),
        ],
        scoreTable(result),
        rocFigure(result),
        [
          confusion(
            'normal',
            'Percentile 70: the normal share',
            normal,
            `Threshold from ${inside} known and ${outside} unknown validation sequences: ${100 - OUTLIER_PERCENTAGE} % are considered normal.`,
          ),
          confusion(
            'reference',
            'Percentile 30: the outlier share',
            reference,
            `The example this follows passes the share of outliers, ${OUTLIER_PERCENTAGE}, where the share of normal sequences is wanted: recall is bought with false alarms.`,
          ),
        ],
        decisionTable(
          [
            [`mixed validation batch, ${100 - OUTLIER_PERCENTAGE} % normal`, normal],
            [`the same, percentile ${OUTLIER_PERCENTAGE}`, reference],
            [`${(100 * choices.falsePositiveRate).toFixed(1)} % of known validation sequences flagged`, clean],
          ],
          4,
          'On the test splits. Scores are minus the mean log ratio of a base; above the threshold is called OOD. OOD is the positive class.',
        ),
      ],
    },
    {
      heading: 'What the likelihood follows',
      blocks: [
        [
          againstGc(
            'gc-likelihood',
            'The likelihood follows the G and C content',
            likelihood,
            'Sequences of almost only G and C, or of almost only A and T, are easy to predict: each base has two likely values instead of four.',
          ),
          againstGc(
            'gc-ratio',
            'The ratio follows it far less',
            ratio,
            'Both models follow the G and C content, so most of it cancels. What is left is at the ends: replacing bases by random others draws the G and C content of the background model\u2019s training sequences to one half, so it knows the extremes less well.',
          ),
        ],
      ],
    },
    {
      heading: 'Base by base',
      blocks: [
        figure(
          'maps',
          baseMaps(result),
          `The first sequences of both test splits, from the second base on. A single base says little; runs of them do (mean of ${WINDOW}).${gaps}`,
        ),
      ],
    },
  ]
}

function rocFigure({ splits, measured, evaluation, length }: Result): Figure {
  const { results, scores, exact } = evaluation
  const shown: Method[] = ['likelihood', 'ratio', 'background']
  const ideal = (split: SplitName) => scoresOf(measured[split].exact!, splits[split].gcContent).ratio
  const curves = shown.map((method) =>
    curveOf(methodTitle[method], scores.test_in[method], scores.test_ood[method], results[method].auc),
  )
  const ofExact = exact && curveOf('ratio of the exact models', ideal('test_in'), ideal('test_ood'), exact.ratio)
  const chart = rocPlot({
    title: 'Accepting known classes, rejecting unknown ones',
    subtitle: `sequences of ${length} bases`,
    curves: ofExact ? [...curves, ofExact] : curves,
    xTitle: 'share of unknown classes accepted',
    yTitle: 'share of known classes accepted',
  })
  return figure('roc', chart)
}
