// `ood status`: how far a run folder is, from its journal alone, while it runs or after.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { OodError } from '@ood/core'
import { duration, formatTable, readJournal } from '@ood/run'

/**
 * The finished steps of a run with their times, the batches of unfinished ones, and whether it was finished.
 *
 * @throws OodError `E_FILE` for a folder that is no run
 */
export function runStatus(folder: string): string {
  const path = join(folder, 'run.jsonl')
  if (!existsSync(path)) throw new OodError('E_FILE', `${folder}: expected a run folder, got one without run.jsonl`)
  const events = readJournal(path)
  const steps = new Map<string, string>()
  for (const { type, name, ms } of events) {
    if (type === 'step') steps.set(String(name), duration(Number(ms)))
    // The name of a batch ends in its rows: `curve 0-16`.
    const step = String(name).replace(/ \d+-\d+$/, '')
    if (type === 'batch' && !steps.has(step)) steps.set(step, 'unfinished')
  }
  const opened = events.filter(({ type }) => type === 'open')
  const last = events.at(-1)
  const state = last?.type === 'finish' ? 'finished' : 'not finished'
  const head = `${folder}: ${state}, started ${opened.length} time${opened.length === 1 ? '' : 's'}, last event ${last?.time ?? 'none'}`
  return steps.size === 0 ? head : `${head}\n\n${formatTable([['step', 'time'], ...steps])}`
}
