// Command-line options the image examples share, checked: --n, --seed, --data-dir, --run, --workers, and their own.
import { join } from 'node:path'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { mismatch, OodError } from '@ood/core'

/** Everything a run's results depend on, and how it is carried out. */
export interface CommonOptions {
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

/** Usage lines of the shared options. */
export function commonUsage(name: string, n: number): string {
  return `  --n N              images a split (default ${n}; up to 512 from the packaged samples)
  --data-dir FOLDER  use the official files in FOLDER/<data set>/ (default OOD_DATA_DIR when n > 512)
  --seed N           seed of every random draw (default 0)
  --run NAME         write runs/NAME/ (default ${name})
  --workers N        worker threads (default one per core)
  --help             this text
`
}

/** Shared options of `argv` and the text of further ones, or undefined when help was asked for; `packaged` rows a split need no files. */
export function parseCommon<Extra extends string>(
  argv: string[],
  { name, n, extra, packaged = 512 }: { name: string; n: number; extra: readonly Extra[]; packaged?: number },
  env: NodeJS.ProcessEnv = process.env,
): { common: CommonOptions; extra: Partial<Record<Extra, string>> } | undefined {
  const values = parse(argv, extra)
  if (values.help !== undefined) return undefined
  const count = integer('--n', values.n ?? String(n), 8)
  const dataDir = values['data-dir'] ?? (count > packaged ? env.OOD_DATA_DIR : undefined)
  if (count > packaged && !dataDir)
    throw mismatch('E_ARGUMENT', '--n', `at most ${packaged} images a split without --data-dir or OOD_DATA_DIR`, count)
  const run = values.run ?? name
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(run)) throw mismatch('E_ARGUMENT', '--run', 'a plain folder name', run)
  const common = {
    n: count,
    seed: integer('--seed', values.seed ?? '0', 0),
    dataDir,
    folder: join('runs', run),
    workers: values.workers === undefined ? undefined : integer('--workers', values.workers, 0),
  }
  return { common, extra: values as Partial<Record<Extra, string>> }
}

function parse(argv: string[], extra: readonly string[]): Record<string, string | undefined> {
  const names = ['n', 'seed', 'data-dir', 'run', 'workers', ...extra]
  const options: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } }
  for (const name of names) options[name] = { type: 'string' }
  try {
    const { values } = parseArgs({ args: argv, options })
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
  } catch (cause) {
    throw new OodError('E_ARGUMENT', `options: ${(cause as Error).message.split('. ')[0]} (--help lists them)`, {
      cause,
    })
  }
}

/** A whole number of at least `least`. */
export function integer(name: string, text: string, least: number): number {
  const value = Number(text)
  if (!(Number.isSafeInteger(value) && value >= least && /^\d+$/.test(text)))
    throw mismatch('E_ARGUMENT', name, `a whole number of at least ${least}`, text)
  return value
}
