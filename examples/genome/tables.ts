// The tables of the example and how it is computed.
import { mean } from '@ood/core'
import type { ReportTable } from '@ood/plots'
import { signed } from '../common/decisions.ts'
import type { Section } from '../common/figures.ts'
import { modelTable } from '../common/model-facts.ts'
import { rangeText } from '../common/report-text.ts'
import { type Method, methods } from './choose.ts'
import { type SplitName, splitNames } from './data.ts'
import type { Result } from './result.ts'

/** What the report calls each score. */
export const methodTitle: Record<Method, string> = {
  ratio: 'likelihood ratio',
  likelihood: 'log-likelihood alone',
  background: 'background model alone',
  gc: 'G and C content alone',
}

/** What the report calls each split. */
export const splitTitle: Record<SplitName, string> = {
  val_in: 'in distribution, validation',
  val_ood: 'OOD classes of validation',
  test_in: 'in distribution, test',
  test_ood: 'OOD classes of test',
}

/** Every score on the test splits, and the exact models in place of the networks. */
export function scoreTable({ evaluation }: Result): ReportTable {
  const { results, gain } = evaluation
  return {
    table: [
      ['score', 'AUC, test', '95 % interval', 'AUC, validation', 'correlation with extreme G and C content'],
      ...methods.map((method) => {
        const { auc, interval, validation, gcCorrelation } = results[method]
        return [methodTitle[method], auc, rangeText(interval), validation, signed(gcCorrelation, 2)]
      }),
      ...exactRows(evaluation),
    ],
    caption: `1 is perfect, 0.5 is a coin. The ratio gains ${signed(gain.difference)} over the likelihood (standard error ${gain.standardError.toFixed(3)}, DeLong). Validation has OOD classes of its own; intervals are DeLong's.${exactNote(evaluation)}`,
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

/** What was computed, with which models, on which data. */
export function methodSection({ models, measured, real }: Result): Section {
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
      modelTable(models, 'bases'),
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
