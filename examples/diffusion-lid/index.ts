// The likelihood paradox of diffusion models, and LID by FLIPD and by the normal bundle, side by side on real images.
import { mismatch } from '@ood/core'
import { openDiffusion } from '@ood/models-diffusion'
import { readWholeNumber, wholeNumber } from '@ood/run'
import { eachDirection } from '../common/directions.ts'
import { type Example, mainOf } from '../common/example.ts'
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
        const scores = readWholeNumber(name, text, 0)
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
    const names = all[0]!.methods.map(({ method }) => method)
    const ofMethod = (method: Method) =>
      perDirection(all, ({ methods }) => {
        const { study, standardError, seconds } = methods.find((found) => found.method === method)!
        const lid = byName(splitNames, (split) => mean(study.lid[split]))
        return { ...studySummary(study), lid, standardError, secondsPerImage: seconds }
      })
    return {
      ...ofMethod(names[0]!),
      methods: byName(names, ofMethod),
      ...perDirection(all, ({ splits, referenceSingle }) => ({
        logProb: byName(splitNames, (split) => mean(splits[split].logProb)),
        referenceLikelihood: {
          auc: referenceSingle,
          logProb: byName(splitNames, (split) => mean(splits[split].referenceLogProb)),
        },
      })),
    }
  },

  files,
  report,
}

export const main = mainOf(example)
