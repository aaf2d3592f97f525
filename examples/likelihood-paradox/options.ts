// Command-line options of the example, checked, with the defaults of the demo.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { mismatch, OodError } from '@ood/core'

/** Everything a run's results depend on, and how it is carried out. */
export interface Options {
  /** Images a split. */
  n: number
  seed: number
  /** Folder of the official data files; without it the 512 images a split inside `@ood/datasets` are used. */
  dataDir: string | undefined
  /** Run folder. */
  folder: string
  /** Worker threads; undefined for one per core. */
  workers: number | undefined
}

export const usage = `npm run example -- likelihood-paradox [options]

Two normalizing flows, one trained on Fashion-MNIST and one on MNIST, score the other's images.

  --n N              images a split (default 64; up to 512 from the packaged samples)
  --data-dir FOLDER  use the official files in FOLDER/<data set>/ (default OOD_DATA_DIR when n > 512)
  --seed N           seed of every random draw (default 0)
  --run NAME         write runs/NAME/ (default likelihood-paradox)
  --workers N        worker threads (default one per core)
  --help             this text
`

/** Options of `argv`, or undefined when help was asked for. */
export function parseOptions(argv: string[], env: NodeJS.ProcessEnv = process.env): Options | undefined {
  const { values } = parse(argv)
  if (values.help) return undefined
  const n = integer('--n', values.n ?? '64', 8)
  const dataDir = values['data-dir'] ?? (n > 512 ? env.OOD_DATA_DIR : undefined)
  if (n > 512 && !dataDir)
    throw mismatch('E_ARGUMENT', '--n', 'at most 512 images a split without --data-dir or OOD_DATA_DIR', n)
  const name = values.run ?? 'likelihood-paradox'
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw mismatch('E_ARGUMENT', '--run', 'a plain folder name', name)
  return {
    n,
    seed: integer('--seed', values.seed ?? '0', 0),
    dataDir,
    folder: join('runs', name),
    workers: values.workers === undefined ? undefined : integer('--workers', values.workers, 0),
  }
}

function parse(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      options: {
        n: { type: 'string' },
        seed: { type: 'string' },
        'data-dir': { type: 'string' },
        run: { type: 'string' },
        workers: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (cause) {
    throw new OodError('E_ARGUMENT', `options: ${(cause as Error).message.split('. ')[0]} (--help lists them)`, {
      cause,
    })
  }
}

function integer(name: string, text: string, least: number): number {
  const value = Number(text)
  if (!(Number.isSafeInteger(value) && value >= least && /^\d+$/.test(text)))
    throw mismatch('E_ARGUMENT', name, `a whole number of at least ${least}`, text)
  return value
}
