// What is fuzzed: a reader, a graph transformation or a stored form, with the inputs it starts from.
import type { Random } from '@ood/core'

/** One kind of input. */
export interface Target {
  name: string
  /** Share of the cases, relative to the others. */
  weight: number
  /** Loads what the cases start from; called once in a process. `folder` is the process's own, for files. */
  open(folder: string): Promise<Case>
}

/**
 * Runs one case. Resolves to `ok` when the input was taken; an error of the library is thrown on (`refused`); anything
 * else that is thrown is a fault, and `Wrong` says that the input was taken for what it is not.
 */
export type Case = (rng: Random, keep: Keep) => Promise<'ok'>

/** Keeps the bytes a case is about, so that `--only` can show them. */
export type Keep = (name: string, bytes: Uint8Array | string) => void

/** An input was taken and gave something else than a checksum or a reference says. */
export class Wrong extends Error {
  override readonly name = 'Wrong'
}

/** One of a list. */
export function pick<T>(rng: Random, list: readonly T[]): T {
  // A plain error: one of the library would count as a refusal.
  if (list.length === 0) throw new Error('pick: nothing to pick from')
  return list[rng.integer(list.length)]!
}
