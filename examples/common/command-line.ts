// The command line of an example: --n, --seed, --data-dir, --run and --workers, its own flags, and the help text of all.
import { join } from 'node:path'
import { mismatch } from '@ood/core'
import { type Flags as AllFlags, flagsHelp, parseFlags, plainName, readWholeNumber, wholeNumber } from '@ood/run'
import type { Flag, Flags } from './flags.ts'

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

/** The options that every example has. */
interface Common {
  n: number
  'data-dir': string | undefined
  seed: number
  run: string | undefined
  workers: number | undefined
}

/** All options of an example, its own last. */
function allFlags<Extra extends object>(example: CommandLine<Extra>): AllFlags<Common & Extra> {
  const { name, n, rows, packaged = packagedImages, flags } = example
  const most = Number.isFinite(packaged.rows) ? `; up to ${packaged.rows} from the ${packaged.name}` : ''
  const common: AllFlags<Common> = {
    n: wholeNumber('N', n, 8, `${rows} (default ${n}${most})`),
    'data-dir': { value: 'FOLDER', help: packaged.help, read: (text) => text },
    seed: wholeNumber('N', 0, 0, 'seed of every random draw (default 0)'),
    run: plainName('NAME', undefined, `write runs/NAME/ (default ${name})`, 'a plain folder name'),
    workers: {
      value: 'N',
      help: 'worker threads (default one per core)',
      read: (text, flag) => (text === undefined ? undefined : readWholeNumber(flag, text, 0)),
    },
  }
  return { ...common, ...flags } as AllFlags<Common & Extra>
}

/** The help text. */
export function usage<Extra extends object>(example: CommandLine<Extra>): string {
  return `npm run example -- ${example.name} [options]\n\n${example.about}\n\n${flagsHelp(allFlags(example))}`
}

/** Options of `argv`, checked; undefined when help was asked for. */
export function parseOptions<Extra extends object>(
  example: CommandLine<Extra>,
  argv: string[],
  env: NodeJS.ProcessEnv = process.env,
): (CommonOptions & Extra) | undefined {
  const values = parseFlags(allFlags(example), argv)
  if (!values) return undefined
  const { 'data-dir': given, run, ...own } = values
  const { packaged = packagedImages } = example
  const dataDir = given ?? (own.n > packaged.rows ? env.OOD_DATA_DIR : undefined)
  if (own.n > packaged.rows && !dataDir) {
    const most = `at most ${packaged.rows} ${example.rows} without --data-dir or OOD_DATA_DIR`
    throw mismatch('E_ARGUMENT', '--n', most, own.n)
  }
  const folder = join('runs', run ?? example.runName?.(values) ?? example.name)
  const options = { ...own, dataDir, folder } as unknown as CommonOptions & Extra
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
