// The likelihood paradox of normalizing flows and its resolution with local intrinsic dimension, on real images.
import { mismatch } from '@ood/core'
import { recommendedMethod } from '@ood/methods'
import { openFlow } from '@ood/models-flow'
import type { TableCell } from '@ood/run'
import { eachDirection } from '../common/directions.ts'
import { type Example, mainOf } from '../common/example.ts'
import { lpcaTarget, studySummary } from '../common/lid-study.ts'
import { byName, mean, perDirection, splitNames } from '../common/splits.ts'
import { type FlowResult, measure, measuredOf, recommend, studyFlow } from './flow-study.ts'
import { files, report } from './report.ts'

export const example: Example<object, FlowResult[]> = {
  name: 'likelihood-paradox',
  about: "Two normalizing flows, one trained on Fashion-MNIST and one on MNIST, score the other's images.",
  n: 64,
  rows: 'images a split',
  flags: {},
  check({ n }) {
    // The density of pixels in the recommended detector is fitted on no fewer: said before anything is measured.
    if (n < 10) throw mismatch('E_ARGUMENT', '--n', 'at least 10 images a split', n)
  },

  work: (bench, options) =>
    eachDirection('flow', openFlow, bench, options, async (direction, flow, images) => {
      const columns = await measure(bench, direction.checkpoint, flow, images)
      const splits = byName(splitNames, (split) => measuredOf(columns[split]))
      const lpca = lpcaTarget[direction.inDistribution]
      const recommended = recommend(recommendedMethod({ flow }), columns)
      return { direction, images, splits, lpca, study: studyFlow(splits, lpca), recommended }
    }),

  summary: (all) =>
    perDirection(all, ({ study, recommended, splits }) => ({
      ...studySummary(study),
      recommended,
      bitsPerDim: byName(splitNames, (split) => mean(splits[split].bitsPerDim)),
      logProb: byName(splitNames, (split) => mean(splits[split].logProb)),
    })),

  table(all) {
    const head = ['AUC', 'log p alone', 'log p + LID, two cuts', 'one fitted score', 'recommended', 'scale']
    const rows = all.flatMap(({ direction, study, recommended }) =>
      (['inDistr', 'generated'] as const).map((side): TableCell[] => {
        const { single, dual, fitted, scale } = study.chosen
        const what = side === 'inDistr' ? 'test images' : 'generated images'
        return [`${direction.key}, ${what}`, single[side], dual[side], fitted[side], recommended.auc[side], scale]
      }),
    )
    return [head, ...rows]
  },

  files,
  report,
}

export const main = mainOf(example)
