// Options of one example beyond those that every example has, and how its configuration and its report name them.
import { mismatch } from '@ood/core'
import { type Flag as AnyFlag, plainName } from '@ood/run'

/** One option. */
export interface Flag<T> extends AnyFlag<T> {
  /** What the configuration says when there is no value; by default it says nothing. */
  absent?: string
  /** A path of one machine: no part of the command that a report gives. */
  local?: true
}

/** The options of an example by name. */
export type Flags<Extra> = { readonly [Name in keyof Extra]: Flag<Extra[Name]> }

/** `--model`: what the names of checkpoints begin with. */
export function modelFlag(byDefault: string, help: string): Flag<string> {
  return plainName('NAME', byDefault, help)
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
