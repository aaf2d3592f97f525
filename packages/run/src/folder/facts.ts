// What a report says of a run before any number: when, with which version, on which machine.
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import type { RunEvent } from './journal.ts'

/** The machine in words: `linux-x64, 2 x Intel(R) Xeon(R) CPU @ 2.80GHz, Node v20.19.0`. */
function machineName(): string {
  const cores = cpus()
  const model = cores[0]?.model.trim()
  return `${process.platform}-${process.arch}, ${cores.length} x ${model || 'CPU'}, Node ${process.version}`
}

/**
 * Date, version and machine of a run's first start, from its journal: the same after every resume.
 *
 * @example
 * htmlReport({ title, facts: [{ label: 'images', value: '64 a split' }, ...runFacts(run.events)], sections })
 */
export function runFacts(events: readonly RunEvent[]): { label: string; value: string }[] {
  const first = events.find(({ type }) => type === 'open')
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }
  return [
    { label: 'date', value: (first?.time ?? new Date().toISOString()).slice(0, 10) },
    { label: 'version', value: String(first?.version ?? version) },
    { label: 'machine', value: String(first?.machine ?? machineName()) },
  ]
}

/** What the journal keeps of the machine at every start. */
export function startFacts(): Record<string, unknown> {
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }
  return { version, machine: machineName() }
}
