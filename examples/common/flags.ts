// Options of one example beyond those that every example has: how each is read, checked and described.
import { mismatch } from '@ood/core'

/** One option. */
export interface Flag<T> {
  /** What stands for its value in the help: `K`, `DIR`. */
  value: string
  help: string
  /** The value of what was typed; undefined when nothing was. */
  read(text: string | undefined, name: string): T
  /** What the configuration says when there is no value; by default it says nothing. */
  absent?: string
  /** A path of one machine: no part of the command that a report gives. */
  local?: true
}

/** The options of an example by name. */
export type Flags<Extra> = { readonly [Name in keyof Extra]: Flag<Extra[Name]> }

/** A whole number of at least `least`. */
export function integer(name: string, text: string, least: number): number {
  const value = Number(text)
  if (!(Number.isSafeInteger(value) && value >= least && /^\d+$/.test(text)))
    throw mismatch('E_ARGUMENT', name, `a whole number of at least ${least}`, text)
  return value
}

/** An option that is a whole number. */
export function wholeNumber(value: string, byDefault: number, least: number, help: string): Flag<number> {
  return { value, help, read: (text, name) => integer(name, text ?? String(byDefault), least) }
}

/** `--model`: what the names of checkpoints begin with. */
export function modelFlag(byDefault: string, help: string): Flag<string> {
  return {
    value: 'NAME',
    help,
    read(text = byDefault, name) {
      if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text)) throw mismatch('E_ARGUMENT', name, 'a plain name', text)
      return text
    },
  }
}

/** `--checkpoints`: a folder of checkpoints to take instead of the shipped ones. */
export function checkpointsFlag(help: string): Flag<string | undefined> {
  return {
    value: 'DIR',
    help,
    absent: 'shipped',
    local: true,
    read(text, name) {
      if (text === '') throw mismatch('E_ARGUMENT', name, 'a folder', text)
      return text
    },
  }
}
