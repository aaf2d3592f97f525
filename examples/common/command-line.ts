// The command line of an example: --n, --seed, --data-dir, --run and --workers, its own flags, and the help text of all.
import { join } from 'node:path'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { mismatch, OodError } from '@ood/core'
import { type Flag, type Flags, integer } from './flags.ts'

/** What every example's results depend on, and how it is carried out. */
export interface CommonOptions {
  /** Rows a split: images, or sequences. */
  n: number
  seed: number
  /** Folder of the official data files; undefined for what the packages contain. */
  dataDir: string | undefined
  /** Run folder. */
  folder: string
  /** Worker threads; undefined for one per core. */
  workers: number | undefined
}

/** Where the rows come from without a data folder. */
export interface PackagedData {
  /** In the configuration and in reports. */
  name: string
  /** Most rows a split that there are. */
  rows: number
  /** What `--data-dir` does. */
  help: string
}

/** The 512 images a split inside `@ood/datasets`. */
export const packagedImages: PackagedData = {
  name: 'packaged samples',
  rows: 512,
  help: 'use the official files in FOLDER/<data set>/ (default OOD_DATA_DIR when n > 512)',
}

/** What the command line of an example needs to know of it. */
export interface CommandLine<Extra extends object> {
  name: string
  /** First paragraph of the help. */
  about: string
  /** Rows a split by default. */
  n: number
  /** What they are: `images a split`. */
  rows: string
  flags: Flags<Extra>
  /** Default: `packagedImages`. */
  packaged?: PackagedData
  /** Name of the run when none is given (default: the example's); other models get folders of their own. */
  runName?(extra: Extra): string
  /** Throws for values that do not go together. */
  check?(options: CommonOptions & Extra): void
}

const COMMON = ['n', 'seed', 'data-dir', 'run', 'workers']

/** The help text. */
export function usage<Extra extends object>(example: CommandLine<Extra>): string {
  const { name, about, n, rows, packaged = packagedImages } = example
  const most = Number.isFinite(packaged.rows) ? `; up to ${packaged.rows} from the ${packaged.name}` : ''
  const lines: [string, string][] = [
    ['--n N', `${rows} (default ${n}${most})`],
    ['--data-dir FOLDER', packaged.help],
    ['--seed N', 'seed of every random draw (default 0)'],
    ['--run NAME', `write runs/NAME/ (default ${name})`],
    ['--workers N', 'worker threads (default one per core)'],
    ...flagsOf(example).map(([flag, { value, help }]): [string, string] => [`--${flag} ${value}`, help]),
    ['--help', 'this text'],
  ]
  const text = lines.map(([option, help]) => `  ${option.padEnd(17)}  ${help}\n`).join('')
  return `npm run example -- ${name} [options]\n\n${about}\n\n${text}`
}

/** Options of `argv`, checked; undefined when help was asked for. */
export function parseOptions<Extra extends object>(
  example: CommandLine<Extra>,
  argv: string[],
  env: NodeJS.ProcessEnv = process.env,
): (CommonOptions & Extra) | undefined {
  const { name, n, packaged = packagedImages } = example
  const flags = flagsOf(example)
  const values = parse(argv, [...COMMON, ...flags.map(([flag]) => flag)])
  if (values.help !== undefined) return undefined
  const count = integer('--n', values.n ?? String(n), 8)
  const dataDir = values['data-dir'] ?? (count > packaged.rows ? env.OOD_DATA_DIR : undefined)
  if (count > packaged.rows && !dataDir) {
    const most = `at most ${packaged.rows} ${example.rows} without --data-dir or OOD_DATA_DIR`
    throw mismatch('E_ARGUMENT', '--n', most, count)
  }
  if (values.run !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(values.run))
    throw mismatch('E_ARGUMENT', '--run', 'a plain folder name', values.run)
  const extra = Object.fromEntries(
    flags.map(([flag, { read }]) => [flag, read(values[flag], `--${flag}`)]),
  ) as unknown as Extra
  const options = {
    n: count,
    seed: integer('--seed', values.seed ?? '0', 0),
    dataDir,
    folder: join('runs', values.run ?? example.runName?.(extra) ?? name),
    workers: values.workers === undefined ? undefined : integer('--workers', values.workers, 0),
    ...extra,
  }
  example.check?.(options)
  return options
}

/** What the results depend on, for `config.yaml` and `summary.json`. */
export function configOf<Extra extends object>(
  example: CommandLine<Extra>,
  options: CommonOptions & Extra,
): Record<string, unknown> {
  const { n, seed, dataDir } = options
  const extra = flagsOf(example).map(([flag, { absent }]) => [flag, givenOf(options, flag) ?? absent])
  return {
    n,
    seed,
    data: dataDir ?? (example.packaged ?? packagedImages).name,
    ...Object.fromEntries(extra.filter(([, value]) => value !== undefined)),
  }
}

/** The command that gives the same results, and on what: the foot of a report. */
export function commandOf<Extra extends object>(example: CommandLine<Extra>, options: CommonOptions & Extra): string {
  const { n, seed, dataDir } = options
  const extra = flagsOf(example).flatMap(([flag, { local }]) => {
    const value = givenOf(options, flag)
    return local || value === undefined ? [] : [`--${flag} ${value}`]
  })
  const data = dataDir === undefined ? (example.packaged ?? packagedImages).name : 'official files'
  const command = [`npm run example -- ${example.name} --n ${n} --seed ${seed}`, ...extra].join(' ')
  return `\`${command}\`, ${n} ${example.rows}, data: ${data}.`
}

function flagsOf<Extra extends object>({ flags }: Pick<CommandLine<Extra>, 'flags'>): [string, Flag<unknown>][] {
  return Object.entries<Flag<unknown>>(flags)
}

const givenOf = (options: object, flag: string): unknown => (options as Record<string, unknown>)[flag]

function parse(argv: string[], names: readonly string[]): Record<string, string | undefined> {
  const options: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } }
  for (const name of names) options[name] = { type: 'string' }
  try {
    const { values } = parseArgs({ args: argv, options })
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
  } catch (cause) {
    const reason = (cause as Error).message.split('. ')[0]
    throw new OodError('E_ARGUMENT', `options: ${reason} (--help lists them)`, { cause })
  }
}
