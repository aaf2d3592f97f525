// Command-line options of the example, checked.
import { join } from 'node:path'
import { mismatch } from '@ood/core'
import { type CommonOptions, commonUsage, integer, parseCommon } from '../common/options.ts'

/** Everything a run's results depend on, and how it is carried out. */
export interface Options extends CommonOptions {
  /** What the names of the checkpoints begin with: `pixelcnn`, `flow` or a user's own. */
  model: string
  /** Folder with the checkpoints; undefined for those of `@ood/zoo`. */
  checkpoints: string | undefined
  /** Images drawn from each semantic model. */
  samples: number
}

export const usage: string = `npm run example -- likelihood-ratio [options]

Two models of one data set, one of them trained on images with pixels replaced at random: the ratio of their likelihoods
tells Fashion-MNIST from MNIST where either likelihood alone takes one for the other.

${commonUsage('likelihood-ratio', 128)}  --model NAME       which pair: pixelcnn (default), flow, or what the names in --checkpoints begin with
  --checkpoints DIR  take DIR/NAME-fmnist and DIR/NAME-fmnist-background (and -mnist where there) instead of the shipped ones
  --samples N        draw N images from each model (default 0; a PixelCNN++ takes 785 evaluations for them)
`

const extra = ['model', 'checkpoints', 'samples', 'run'] as const

/** Options of `argv`, or undefined when help was asked for. */
export function parseOptions(argv: string[], env: NodeJS.ProcessEnv = process.env): Options | undefined {
  const parsed = parseCommon(argv, { name: 'likelihood-ratio', n: 128, extra }, env)
  if (!parsed) return undefined
  const { model = 'pixelcnn', checkpoints, samples = '0', run } = parsed.extra
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(model)) throw mismatch('E_ARGUMENT', '--model', 'a plain name', model)
  if (checkpoints === '') throw mismatch('E_ARGUMENT', '--checkpoints', 'a folder', "''")
  const count = integer('--samples', samples, 0)
  if (count > 64) throw mismatch('E_ARGUMENT', '--samples', 'at most 64 images', count)
  // Pairs of different kinds get folders of their own, so that neither has to be named to keep the other.
  const folder =
    run === undefined && model !== 'pixelcnn' ? join('runs', `likelihood-ratio-${model}`) : parsed.common.folder
  return { ...parsed.common, folder, model, checkpoints, samples: count }
}
