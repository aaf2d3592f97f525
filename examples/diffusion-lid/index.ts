// The likelihood paradox of diffusion models, and LID by FLIPD and by the normal bundle, side by side on real images.
import { mismatch } from '@ood/core'
import { openDiffusion } from '@ood/models-diffusion'
import type { TableCell } from '@ood/run'
import { eachDirection } from '../common/directions.ts'
import { type Example, mainOf } from '../common/example.ts'
import { integer, wholeNumber } from '../common/flags.ts'
import { lpcaTarget, studySummary } from '../common/lid-study.ts'
import { byName, mean, perDirection, splitNames } from '../common/splits.ts'
import type { Method } from './choose.ts'
import { type DirectionResult, type Effort, studyDiffusion } from './diffusion-study.ts'
import { files, report } from './report.ts'

export const example: Example<Effort, DirectionResult[]> = {
  name: 'diffusion-lid',
  about: `Two diffusion models, one trained on Fashion-MNIST and one on MNIST, score the other's images: likelihood by the
probability-flow ODE, LID by FLIPD and by the normal bundle.`,
  n: 32,
  rows: 'images a split',
  flags: {
    probes: wholeNumber('K', 50, 4, "random probes of FLIPD's trace at the chosen scale (default 50)"),
    scores: {
      value: 'K',
      help: 'scores an image for the normal bundle (default 784 = D; the reference takes 3136); 0: without it',
      read(text = '784', name) {
        const scores = integer(name, text, 0)
        // Fewer scores than pixels leave the others with singular value 0, as if the image had that many more dimensions.
        if (scores > 0 && scores < 784) throw mismatch('E_ARGUMENT', name, '0, or at least 784 (one a pixel)', scores)
        return scores
      },
    },
  },

  work: (bench, options) =>
    eachDirection('diffusion', openDiffusion, bench, options, async (direction, model, images) => {
      const lpca = lpcaTarget[direction.inDistribution]
      const { probes, scores } = options
      const found = await studyDiffusion(bench, direction.checkpoint, model, images, { lpca, probes, scores })
      return { direction, images, lpca, ...found }
    }),

  /** The keys of the demo's for FLIPD, and the same once per method under `methods`. */
  summary(all) {
    const ofMethod = (method: Method): object => {
      const find = ({ methods }: DirectionResult) => methods.find((found) => found.method === method)!
      return {
        ...studySummary(all, (result) => find(result).study),
        lid: perDirection(all, (result) => byName(splitNames, (split) => mean(find(result).study.lid[split]))),
        standardError: perDirection(all, (result) => find(result).standardError),
        secondsPerImage: perDirection(all, (result) => find(result).seconds),
      }
    }
    const names = all[0]!.methods.map(({ method }) => method)
    return {
      ...ofMethod(names[0]!),
      methods: byName(names, ofMethod),
      logProb: perDirection(all, ({ splits }) => byName(splitNames, (split) => mean(splits[split].logProb))),
      referenceLikelihood: perDirection(all, ({ splits, referenceSingle }) => ({
        auc: referenceSingle,
        logProb: byName(splitNames, (split) => mean(splits[split].referenceLogProb)),
      })),
    }
  },

  table(all) {
    const head = ['AUC', 'LID method', 'log p alone', 'LID alone', 'two cuts', 'fitted score', 'scale', 's/image']
    const rows = all.flatMap(({ direction, methods }) =>
      methods.flatMap(({ method, study, seconds }) =>
        (['inDistr', 'generated'] as const).map((side): TableCell[] => {
          const { single, lid, dual, fitted, scale } = study.chosen
          const what = `${direction.key}, ${side === 'inDistr' ? 'test' : 'generated'}`
          return [what, method, single[side], lid[side], dual[side], fitted[side], scale, seconds.toFixed(2)]
        }),
      ),
    )
    return [head, ...rows]
  },

  files,
  report,
}

export const main = mainOf(example)
