// The complexity-corrected likelihood ratio of two diffusion models beside their likelihood, on real images.
import { publishedFractions } from '@ood/llr'
import { openDiffusion } from '@ood/models-diffusion'
import { eachDirection } from '../common/directions.ts'
import { type Example, mainOf } from '../common/example.ts'
import { wholeNumber } from '../common/flags.ts'
import { byName, mean, perDirection, splitNames } from '../common/splits.ts'
import { DEFAULT_RULE } from './choose.ts'
import { type DirectionResult, evaluate, variants } from './evaluate.ts'
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

  summary: (all) => ({
    auc: perDirection(all, ({ evaluation: { likelihood, bound, chosen, interval, joint } }) => ({
      likelihood,
      bound,
      ratio: chosen,
      ratioInterval: interval,
      joint: joint.auc,
      jointInterval: joint.interval,
    })),
    tFrac: perDirection(all, ({ evaluation }) => ({ rule: DEFAULT_RULE, value: evaluation.tFrac })),
    rules: perDirection(all, ({ evaluation }) => evaluation.rules),
    variants: perDirection(all, ({ evaluation }) => evaluation.variants),
    threshold: perDirection(all, ({ evaluation }) => evaluation.joint.threshold),
    flagged: perDirection(all, ({ evaluation }) => evaluation.joint.flagged),
    means: perDirection(all, ({ splits, evaluation }) =>
      byName(splitNames, (split) => ({ logProb: mean(splits[split].logProb), ratio: mean(evaluation.score[split]) })),
    ),
    evaluationsPerImage: perDirection(all, ({ splits }) => ({
      ratio: splits.ood.losses.evaluations,
      reference: splits.ood.reference.evaluations,
    })),
    secondsPerImage: perDirection(all, ({ seconds }) => seconds),
  }),

  /** AUC of test (or generated) images against the other data set. */
  table(all) {
    const head = ['AUC', 'log p', ...publishedFractions.map((at) => `t_frac ${at}`)]
    const rows = all.flatMap(({ direction, evaluation }) =>
      (['inDistr', 'generated'] as const).map((side) => {
        const { likelihood, chosen, joint, tFrac } = evaluation
        const ours = evaluation.variants[variants[0].key]
        const published = evaluation.variants['published-difference'].map(({ auc }) => auc[side])
        return [
          `${direction.key}, ${side === 'inDistr' ? 'test' : 'generated'}`,
          likelihood[side].toFixed(3),
          ...publishedFractions.map((at) => ours.find((found) => found.tFrac === at)!.auc[side].toFixed(3)),
          chosen[side].toFixed(3),
          String(tFrac),
          joint.auc[side].toFixed(3),
          Math.max(...published).toFixed(3),
        ]
      }),
    )
    return [[...head, 'chosen', 't_frac', 'joint', 'published, best'], ...rows]
  },

  files,
  report,
}

export const main = mainOf(example)
