// The command line of a program from the options it declares: read, checked, and described by --help.
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { mismatch, OodError } from '@ood/core'

/** One option of a program. */
export interface Flag<T> {
  /** What stands for its value in the help: `K`, `DIR`. */
  value: string
  help: string
  /**
   * The value of what was typed; `text` is undefined when nothing was.
   *
   * @param name - with its dashes, for the message of an error
   */
  read(text: string | undefined, name: string): T
}

/** The options of a program by name, without dashes. */
export type Flags<Values extends object> = { readonly [Name in keyof Values]: Flag<Values[Name]> }

/**
 * The values of `argv`, one for every flag, in the order in which they are declared; undefined when `--help` or `-h` was
 * among them. Every flag takes one value, `--name value` or `--name=value`; of one that is given twice the last counts.
 *
 * @throws OodError `E_ARGUMENT` for an option that is not declared, one without value, and words that belong to none; and
 * whatever a flag's `read` throws
 * @example
 * const flags = { n: wholeNumber('N', 64, 1, 'images (default 64)') }
 * const values = parseFlags(flags, process.argv.slice(2)) // { n: number } | undefined
 * if (!values) process.stdout.write(flagsHelp(flags))
 */
export function parseFlags<Values extends object>(flags: Flags<Values>, argv: readonly string[]): Values | undefined {
  const options: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } }
  for (const name of Object.keys(flags)) options[name] = { type: 'string' }
  const typed = typedOf(argv, options)
  if (typed.help !== undefined) return undefined
  const values = Object.entries<Flag<unknown>>(flags).map(([name, { read }]) => {
    const text = typed[name]
    return [name, read(text === undefined ? undefined : String(text), `--${name}`)]
  })
  return Object.fromEntries(values) as Values
}

function typedOf(argv: readonly string[], options: NonNullable<ParseArgsConfig['options']>): Record<string, unknown> {
  try {
    return parseArgs({ args: [...argv], options }).values
  } catch (cause) {
    const reason = (cause as Error).message.split('. ')[0]
    throw new OodError('E_ARGUMENT', `options: ${reason} (--help lists them)`, { cause })
  }
}

/** A line of help for every flag, in the order in which they are declared, and one for `--help`. */
export function flagsHelp(flags: Readonly<Record<string, Flag<unknown>>>): string {
  const lines = Object.entries(flags).map(([name, { value, help }]) => [`--${name} ${value}`, help] as const)
  const width = Math.max(17, ...lines.map(([option]) => option.length))
  return [...lines, ['--help', 'this text'] as const]
    .map(([option, help]) => `  ${option.padEnd(width)}  ${help}\n`)
    .join('')
}

/** The whole number that `text` says; `name` is what an error calls it. Throws OodError `E_ARGUMENT`. */
export function readWholeNumber(name: string, text: string, least: number): number {
  const value = Number(text)
  if (!(Number.isSafeInteger(value) && value >= least && /^\d+$/.test(text)))
    throw mismatch('E_ARGUMENT', name, `a whole number of at least ${least}`, text)
  return value
}

/** A flag that is a whole number of at least `least`. */
export function wholeNumber(value: string, byDefault: number, least: number, help: string): Flag<number> {
  return { value, help, read: (text, name) => readWholeNumber(name, text ?? String(byDefault), least) }
}

/** A flag that is the name of a file or a folder in a folder of the program: letters, digits, dots, dashes and `_`. */
export function plainName<Default extends string | undefined>(
  value: string,
  byDefault: Default,
  help: string,
  what = 'a plain name',
): Flag<string | Default> {
  return {
    value,
    help,
    read(text, name) {
      if (text === undefined) return byDefault
      if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text)) throw mismatch('E_ARGUMENT', name, what, text)
      return text
    },
  }
}
