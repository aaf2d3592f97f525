// Writes what people read: CSVs per split, figures as SVG and Vega-Lite JSON, and one self-contained report.html.

import { htmlReport, type ReportSection, shareText } from '@ood/plots'
import type { Run } from '@ood/run'
import { aucHighlight, factsOfRun, rangeText } from '../common/report-text.ts'
import { mean } from '../common/splits.ts'
import { writeFigures } from '../common/write-figures.ts'
import { methods, OUTLIER_PERCENTAGE } from './choose.ts'
import { splitNames } from './data.ts'
import type { Decided } from './evaluate.ts'
import { baseMaps, charts, methodTitle, signed, splitTitle, WINDOW } from './figures.ts'
import type { Options } from './options.ts'
import type { ModelFacts, Result } from './result.ts'

/** Writes every output file but `summary.json`; returns the path of the report. */
export async function writeReport(run: Run<unknown>, result: Result, options: Options): Promise<string> {
  for (const split of splitNames) {
    const { lstm, exact } = result.measured[split]
    run.writeCsv(split, {
      likelihood: lstm.semantic,
      backgroundLikelihood: lstm.background,
      oodScore: lstm.score,
      gcContent: result.splits[split].gcContent,
      label: result.splits[split].labels,
      ...(exact && { exactLikelihood: exact.semantic, exactOodScore: exact.score }),
    })
  }
  const svg = await writeFigures(run, 'figures', charts(result), { maps: baseMaps(result, result.maps) })
  const { n, seed, dataDir } = options
  const { ratio, likelihood } = result.evaluation.results
  const tested = testSequences(result)
  return run.writeText(
    'report.html',
    htmlReport({
      title: 'Likelihood ratios for DNA',
      intro: intro(result, dataDir !== undefined),
      facts: factsOfRun(run, { label: 'test sequences', value: `${tested} a side` }),
      highlights: [
        aucHighlight('AUC of the likelihood, known against unknown classes', likelihood.auc, {
          n: tested,
          interval: likelihood.interval,
        }),
        aucHighlight('AUC of the likelihood ratio', ratio.auc, { n: tested, interval: ratio.interval }),
        {
          value: signed(likelihood.gcCorrelation, 2),
          label: 'correlation of the likelihood score with extreme G and C content',
        },
        { value: signed(ratio.gcCorrelation, 2), label: 'of the ratio score' },
      ],
      sections: [
        scoresSection(result, svg),
        gcSection(svg),
        mapsSection(result, svg),
        methodSection(result, dataDir !== undefined),
      ],
      footer: `\`npm run example -- genome --n ${n} --seed ${seed}\`, at most ${n} sequences a split, data: ${dataDir === undefined ? 'synthetic genomes' : 'public files'}.`,
    }),
  )
}

function intro(result: Result, real: boolean): string {
  const { evaluation } = result
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

function scoresSection(result: Result, svg: Record<string, string>): ReportSection {
  const { evaluation, choices } = result
  const { results, gain } = evaluation
  const { normal, reference, clean } = results.ratio.decided
  const [inside, outside] = choices.batch
  const row = (title: string, at: Decided) => [
    title,
    signed(at.threshold, 4),
    at.f1,
    at.accuracy,
    at.precision,
    at.recall,
  ]
  return {
    heading: 'Likelihood against ratio',
    blocks: [
      { figures: [{ svg: svg.likelihood! }, { svg: svg.ratio!, caption: 'Sequences left of a line are called OOD.' }] },
      {
        table: [
          ['score', 'AUC, test', '95 % interval', 'AUC, validation', 'correlation with extreme G and C content'],
          ...methods.map((method) => {
            const { auc, interval, validation, gcCorrelation } = results[method]
            return [methodTitle[method], auc, rangeText(interval), validation, signed(gcCorrelation, 2)]
          }),
          ...exactRows(evaluation),
        ],
        caption: `1 is perfect, 0.5 is a coin. The ratio gains ${signed(gain.difference)} over the likelihood (standard error ${gain.standardError.toFixed(3)}, DeLong). Validation has OOD classes of its own; intervals are DeLong's.${exactNote(evaluation)}`,
      },
      { svg: svg.roc! },
      {
        figures: [
          {
            svg: svg['confusion-normal']!,
            caption: `Threshold from ${inside} known and ${outside} unknown validation sequences: ${100 - OUTLIER_PERCENTAGE} % are considered normal.`,
          },
          {
            svg: svg['confusion-reference']!,
            caption: `The example this follows passes the share of outliers, ${OUTLIER_PERCENTAGE}, where the share of normal sequences is wanted: recall is bought with false alarms.`,
          },
        ],
      },
      {
        table: [
          ['likelihood ratio', 'threshold (score)', 'F1', 'accuracy', 'precision', 'recall'],
          row(`mixed validation batch, ${100 - OUTLIER_PERCENTAGE} % normal`, normal),
          row(`the same, percentile ${OUTLIER_PERCENTAGE}`, reference),
          row(`${(100 * choices.falsePositiveRate).toFixed(1)} % of known validation sequences flagged`, clean),
        ],
        caption:
          'On the test splits. Scores are minus the mean log ratio of a base; above the threshold is called OOD. OOD is the positive class.',
      },
    ],
  }
}

/** Which of the networks keeps the ratio from what is possible. */
function exactNote({ exact }: Result['evaluation']): string {
  if (!exact) return ''
  const [semantic, background] = [exact.ratio - exact.semanticNetwork, exact.ratio - exact.backgroundNetwork]
  const mutation =
    exact.bestMutated === null
      ? ''
      : `, of which ${signed(exact.ratio - exact.bestMutated)} is the mutation\u2019s: a near-ideal model of mutated sequences has this gap too`
  return ` With exact models in place of networks: the semantic network costs ${signed(semantic)} of AUC, the background network ${signed(background)}${mutation}.`
}

/** What the pairs with exact models reach, for synthetic genomes. */
function exactRows({ exact }: Result['evaluation']): (string | number)[][] {
  if (!exact) return []
  return [
    ['semantic network, exact background', exact.semanticNetwork, '', '', ''],
    ['exact semantic model, background network', exact.backgroundNetwork, '', '', ''],
    ...(exact.bestMutated === null
      ? []
      : [['exact semantic model, near-ideal model of mutated sequences', exact.bestMutated, '', '', '']]),
    ['both models exact', exact.ratio, '', '', signed(exact.gcCorrelation, 2)],
    ['likelihood of the exact model', exact.likelihood, '', '', ''],
  ]
}

function gcSection(svg: Record<string, string>): ReportSection {
  return {
    heading: 'What the likelihood follows',
    blocks: [
      {
        figures: [
          {
            svg: svg['gc-likelihood']!,
            caption:
              'Sequences of almost only G and C, or of almost only A and T, are easy to predict: each base has two likely values instead of four.',
          },
          {
            svg: svg['gc-ratio']!,
            caption:
              'Both models follow the G and C content, so most of it cancels. What is left is at the ends: replacing bases by random others draws the G and C content of the background model\u2019s training sequences to one half, so it knows the extremes less well.',
          },
        ],
      },
    ],
  }
}

function mapsSection({ splits }: Result, svg: Record<string, string>): ReportSection {
  const gaps = splits.test_in.coding
    ? ' Hatched in the third strip are the gaps between genes, in which every class is alike: no evidence is to be had there.'
    : ''
  return {
    heading: 'Base by base',
    blocks: [
      {
        svg: svg.maps!,
        caption: `The first sequences of both test splits, from the second base on. A single base says little; runs of them do (mean of ${WINDOW}).${gaps}`,
      },
    ],
  }
}

function methodSection(result: Result, real: boolean): ReportSection {
  const { models, measured } = result
  const count = (value: unknown): string => (typeof value === 'number' ? value.toLocaleString('en') : '-')
  const minutes = ({ wallTimeSeconds: seconds }: ModelFacts): string =>
    typeof seconds === 'number' ? (seconds / 60).toFixed(0) : '-'
  const rate = ({ mutation }: ModelFacts): string => {
    const { rate } = (mutation ?? {}) as { rate?: number }
    return rate === undefined ? 'none' : `${(100 * rate).toFixed(0)} %`
  }
  const means = splitNames.map((split) => {
    const { lstm, exact } = measured[split]
    return [
      splitTitle[split],
      signed(mean(lstm.semantic), 4),
      signed(mean(lstm.background), 4),
      exact ? signed(mean(exact.semantic), 4) : '-',
      exact ? signed(mean(exact.background), 4) : '-',
    ]
  })
  const data = real
    ? 'The data are the public bacteria genomes of Ren et al. (2019).'
    : 'The sequences are synthetic. G and C content is uniform from 15 % to 85 %, alike in every class. Which of A and T, and which of C and G, comes next depends inside coding stretches on the two bases before, in each class in its own way; classes in distribution are related, the others are not. Their exact likelihood is known: a mixture over classes of hidden Markov models, integrated over the G and C content.'
  return {
    heading: 'How it is computed',
    blocks: [
      {
        text: [
          data,
          'Both networks are one-hot → LSTM → linear, and predict each base from those before it. The score is the mean over the steps of -(log p semantic - log p background) (Ren et al. 2019). The background model was trained on sequences in which bases were replaced by others with the probability below.',
          'Thresholds come from validation sequences, whose unknown classes are not those of the test. The test splits are only scored.',
        ].join('\n\n'),
      },
      {
        table: [
          ['model', 'parameters', 'steps', 'minutes', 'bases replaced'],
          ...[models.semantic, models.background].map((facts) => [
            facts.name,
            count(facts.parameters),
            count(facts.steps),
            minutes(facts),
            rate(facts),
          ]),
        ],
        caption: 'What the manifests say of the training.',
      },
      {
        table: [
          ['mean log p of a base (nats)', 'semantic', 'background', 'exact semantic', 'exact background'],
          ...means,
        ],
        caption: 'How much of what there is to learn the networks have learnt.',
      },
    ],
  }
}
