// The outcome of `ood check-model`: one line a check, with what was found and how to mend it.
import { OodError } from '@ood/core'

/** One check. */
export interface Check {
  name: string
  state: 'ok' | 'wrong' | 'note'
  /** What was found. */
  found: string
  /** What to do about it, for what is wrong. */
  mend?: string
}

/** What `ood check-model --json` prints. */
export interface CheckReport {
  folder: string
  ok: boolean
  checks: Check[]
}

/** Runs one check; an error of the model is what it found. */
export async function attempt(name: string, mend: string, run: () => Promise<Omit<Check, 'name'>>): Promise<Check> {
  try {
    return { name, ...(await run()) }
  } catch (error) {
    if (!(error instanceof OodError) || error.code === 'E_ABORTED') throw error
    return { name, state: 'wrong', found: error.message, mend }
  }
}

/** A check that is right when `good`. */
export function judged(good: boolean, found: string, mend: string): Omit<Check, 'name'> {
  return good ? { state: 'ok', found } : { state: 'wrong', found, mend }
}

/** The report as text. */
export function checkText({ folder, ok, checks }: CheckReport): string {
  const width = Math.max(...checks.map(({ name }) => name.length))
  const lines = checks.flatMap(({ name, state, found, mend }) => [
    `${state.padEnd(5)}  ${name.padEnd(width)}  ${found}`,
    ...(mend ? [`${' '.repeat(7 + width)}  -> ${mend}`] : []),
  ])
  const wrong = checks.filter(({ state }) => state === 'wrong').length
  return [
    ...lines,
    '',
    `${folder}: ${ok ? 'nothing wrong found' : `${wrong} of ${checks.length} checks went wrong`}`,
  ].join('\n')
}
