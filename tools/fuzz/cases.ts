// Case number i of a seed: which target it is for, what is drawn for it, and what its outcome means.
import { random } from '@ood/core'
import type { Case, Keep, Target } from './target.ts'
import { graphs } from './targets/graphs.ts'
import { images } from './targets/images.ts'
import { stored } from './targets/stored.ts'
import { tables } from './targets/tables.ts'

/** Everything that is fuzzed. */
export const targets: readonly Target[] = [...tables, ...images, ...graphs, ...stored]

/** What became of one case. */
export interface Verdict {
  target: string
  /**
   * `ok`: taken; `refused`: a one-line error of the library; `raw`: any other error; `message`: an error line that is
   * too long or several; `wrong`: taken for what it is not.
   */
  kind: 'ok' | 'refused' | 'raw' | 'message' | 'wrong'
  detail: string
}

/** The target of case `index`: the same for a seed and a number, on every machine. */
export function targetOf(list: readonly Target[], seed: number, index: number): Target {
  const total = list.reduce((sum, { weight }) => sum + weight, 0)
  let left = random(seed).fork('target').fork(index).uniform() * total
  for (const target of list) {
    left -= target.weight
    if (left < 0) return target
  }
  return list[0]!
}

/** Runs cases; targets are opened when their first case comes. */
export function runner(
  list: readonly Target[],
  seed: number,
  folder: string,
): (index: number, keep?: Keep) => Promise<Verdict> {
  const opened = new Map<Target, Case>()
  return async (index, keep = () => undefined) => {
    const target = targetOf(list, seed, index)
    let run = opened.get(target)
    if (!run) {
      run = await target.open(folder)
      opened.set(target, run)
    }
    try {
      await run(random(seed).fork('case').fork(index), keep)
      return { target: target.name, kind: 'ok', detail: '' }
    } catch (error) {
      return { target: target.name, ...judged(error) }
    }
  }
}

/** What an error that a case threw means. */
export function judged(error: unknown): Pick<Verdict, 'kind' | 'detail'> {
  if (!(error instanceof Error)) return { kind: 'raw', detail: `thrown: ${String(error)}`.slice(0, 300) }
  if (error.name === 'Wrong') return { kind: 'wrong', detail: error.message.slice(0, 300) }
  if (error.name !== 'OodError') {
    const where = error.stack?.split('\n').find((line) => line.includes('/packages/')) ?? ''
    return {
      kind: 'raw',
      detail: `${error.name}: ${error.message.slice(0, 200)} ${where.trim().replace(/\(?file:.*\/packages/, '(packages')}`,
    }
  }
  const { message } = error
  const code = (error as Error & { code?: unknown }).code
  const fine = message.length < 300 && !/[\r\n]/.test(message) && typeof code === 'string' && code.startsWith('E_')
  return fine
    ? { kind: 'refused', detail: message }
    : { kind: 'message', detail: `${String(code)} ${message.length} characters: ${message.slice(0, 200)}` }
}
