// The complexity-corrected likelihood ratio of two diffusion models beside their likelihood, on real images.
import { openDiffusion } from '@ood/models-diffusion'
import { wholeNumber } from '@ood/run'
import { eachDirection } from '../common/directions.ts'
import { type Example, mainOf } from '../common/example.ts'
import { byName, mean, perDirection, splitNames } from '../common/splits.ts'
import { DEFAULT_RULE } from './choose.ts'
import { type DirectionResult, evaluate } from './evaluate.ts'
import { measure } from './losses.ts'
import { files, report } from './report.ts'

export const example: Example<{ probes: number }, DirectionResult[]> = {
  name: 'diffusion-ratio',
  about: `Two diffusion models, one trained on Fashion-MNIST and one on MNIST, score the other's images: likelihood by the
probability-flow ODE against the complexity-corrected likelihood ratio of denoising losses.`,
  n: 64,
  rows: 'images a split',
  flags: {
    probes: wholeNumber(
      'K',
      64,
      24,
      'network evaluations an image for each estimate of the ratio (default 64, at least 24)',
    ),
  },

  work: (bench, options) =>
    eachDirection('diffusion', openDiffusion, bench, options, async (direction, model, images) => {
      const measures = await measure(bench, direction.checkpoint, model, images, options.probes)
      return { direction, ...measures, evaluation: evaluate(measures) }
    }),

  summary: (all) =>
    perDirection(all, ({ splits, evaluation, seconds }) => {
      const { likelihood, bound, chosen: ratio, interval: ratioInterval, joint, tFrac, score } = evaluation
      return {
        auc: { likelihood, bound, ratio, ratioInterval, joint: joint.auc, jointInterval: joint.interval },
        tFrac: { rule: DEFAULT_RULE, value: tFrac },
        rules: evaluation.rules,
        variants: evaluation.variants,
        threshold: joint.threshold,
        flagged: joint.flagged,
        means: byName(splitNames, (split) => ({ logProb: mean(splits[split].logProb), ratio: mean(score[split]) })),
        evaluationsPerImage: {
          ratio: splits.ood.losses.evaluations,
          reference: splits.ood.reference.evaluations,
        },
        secondsPerImage: seconds,
      }
    }),

  files,
  report,
}

export const main = mainOf(example)
