// Command-line options of the example, checked.
import { join } from 'node:path'
import { mismatch, unknownName } from '@ood/core'
import { codecNames } from '@ood/llr'
import { type CommonOptions, commonUsage, parseCommon } from '../common/options.ts'

/** Everything a run's results depend on, and how it is carried out. */
export interface Options extends CommonOptions {
  /** What the names of the checkpoints begin with: `flow`, `pixelcnn` or a user's own. */
  model: string
  /** Folder with the checkpoints; undefined for those of `@ood/zoo`. */
  checkpoints: string | undefined
  /** Names of the codecs; undefined for every installed one. */
  codecs: readonly string[] | undefined
}

export const usage: string = `npm run example -- input-complexity [options]

Models of Fashion-MNIST and of MNIST score the other's images, by likelihood alone and by the bits their likelihood takes
beyond what lossless compressors need.

${commonUsage('input-complexity', 128)}  --codecs A,B,...   of ${codecNames.join(', ')} (default: every one whose package is installed)
  --model NAME       which models: flow (default), pixelcnn, or what the names in --checkpoints begin with
  --checkpoints DIR  take DIR/NAME-fmnist and DIR/NAME-mnist (either alone will do) instead of the shipped ones
`

const extra = ['codecs', 'model', 'checkpoints', 'run'] as const

/** Options of `argv`, or undefined when help was asked for. */
export function parseOptions(argv: string[], env: NodeJS.ProcessEnv = process.env): Options | undefined {
  const parsed = parseCommon(argv, { name: 'input-complexity', n: 128, extra }, env)
  if (!parsed) return undefined
  const { model = 'flow', checkpoints, codecs, run } = parsed.extra
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(model)) throw mismatch('E_ARGUMENT', '--model', 'a plain name', model)
  if (checkpoints === '') throw mismatch('E_ARGUMENT', '--checkpoints', 'a folder', '')
  const names = codecs?.split(',')
  for (const [i, name] of names?.entries() ?? []) {
    if (!(codecNames as readonly string[]).includes(name)) throw unknownName('--codecs', name, codecNames)
    if (names!.indexOf(name) < i) throw mismatch('E_ARGUMENT', '--codecs', 'each name once', codecs)
  }
  // Other models get folders of their own, so that neither run has to be named to keep the other.
  const folder =
    run === undefined && model !== 'flow' ? join('runs', `input-complexity-${model}`) : parsed.common.folder
  return { ...parsed.common, folder, model, checkpoints, codecs: names }
}
