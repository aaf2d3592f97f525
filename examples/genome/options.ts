// Command-line options of the example, checked.
import { mismatch } from '@ood/core'
import { type CommonOptions, parseCommon } from '../common/options.ts'

/** Everything a run's results depend on, and how it is carried out. */
export interface Options extends CommonOptions {
  /** Folder with the checkpoints `lstm-genome` and `lstm-genome-background`; undefined for those of `@ood/zoo`. */
  checkpoints: string | undefined
}

export const usage: string = `npm run example -- genome [options]

Two LSTMs of DNA, one of them trained on mutated sequences. The likelihood of a sequence follows its G and C content; the
ratio of the two likelihoods follows what kind of sequence it is.

  --n N              sequences a split (default 1000)
  --data-dir FOLDER  use the public data, FOLDER/train_in.npz ... (default: synthetic genomes, made on the spot)
  --checkpoints DIR  take DIR/lstm-genome and DIR/lstm-genome-background instead of the shipped ones, which know
                     synthetic genomes only
  --seed N           which sequences are drawn (default 0)
  --run NAME         write runs/NAME/ (default genome)
  --workers N        worker threads (default one per core)
  --help             this text
`

/** Options of `argv`, or undefined when help was asked for. */
export function parseOptions(argv: string[], env: NodeJS.ProcessEnv = process.env): Options | undefined {
  const extra = ['checkpoints'] as const
  const parsed = parseCommon(argv, { name: 'genome', n: 1000, extra, packaged: Number.POSITIVE_INFINITY }, env)
  if (!parsed) return undefined
  const { checkpoints } = parsed.extra
  if (checkpoints === '') throw mismatch('E_ARGUMENT', '--checkpoints', 'a folder', "''")
  if (parsed.common.n > 100_000)
    throw mismatch('E_ARGUMENT', '--n', 'at most 100000 sequences a split', parsed.common.n)
  if (parsed.common.dataDir !== undefined && checkpoints === undefined)
    throw mismatch('E_ARGUMENT', '--data-dir', '--checkpoints with models of that data too', 'none')
  return { ...parsed.common, checkpoints }
}
