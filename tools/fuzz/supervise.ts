// Runs chunks of cases in a child process, one after another: a child that hangs, dies or grows is replaced.
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Done, Fault, State } from './protocol.ts'

/** What ends a run, and what a case may take. */
export interface Limits {
  /** Stop before this case. */
  cases: number
  /** Stop after so many milliseconds. */
  milliseconds: number
  /** Processor milliseconds of a case (2,000), and megabytes of the process (512). */
  limit: number
  memory: number
  signal: AbortSignal
}

const CHUNK = 500
/** Cases after which a child is replaced, so that its memory is that of few cases. */
const CHILD_CASES = 20_000
/** A case that waits without computing is given this many milliseconds. */
const WAIT = 20_000

/** Runs cases from `state.next` on and calls `save` after every chunk. */
export async function supervise(
  state: State,
  limits: Limits,
  save: (state: State) => void,
  script: string = CHILD,
): Promise<void> {
  const started = performance.now()
  const before = state.seconds
  const folder = mkdtempSync(join(tmpdir(), 'ood-fuzz-pulse-'))
  const pulse = join(folder, 'pulse')
  let child: ChildProcess | undefined
  let served = 0
  try {
    while (state.next < limits.cases && performance.now() - started < limits.milliseconds && !limits.signal.aborted) {
      if (!child || served >= CHILD_CASES) {
        stop(child)
        child = await start(script, state.seed, pulse)
        served = 0
      }
      const to = Math.min(limits.cases, state.next + CHUNK)
      const { limit, memory } = limits
      const outcome = await chunkOf(child, { from: state.next, to, skip: state.skip, limit, memory }, pulse, limits)
      if (outcome === 'stopped') break
      if ('index' in outcome) {
        // The chunk is run again without the case that ended the child.
        state.faults.push(outcome)
        state.skip.push(outcome.index)
        stop(child)
        child = undefined
      } else {
        merge(state, outcome)
        served += to - state.next
        state.next = to
        if (outcome.peak > memory) {
          stop(child)
          child = undefined
        }
      }
      state.seconds = before + (performance.now() - started) / 1000
      save(state)
    }
  } finally {
    stop(child)
    rmSync(folder, { recursive: true, force: true })
  }
}

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url))

async function start(script: string, seed: number, pulse: string): Promise<ChildProcess> {
  writeFileSync(pulse, ''.padEnd(64))
  const child = fork(script, [String(seed), pulse], {
    execArgv: ['--conditions=@ood/source', '--import', 'tsx', '--max-old-space-size=320'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve())
    child.once('exit', (code) => reject(new Error(`the child ended with ${code} before its first case`)))
  })
  return child
}

function stop(child: ChildProcess | undefined): void {
  child?.kill('SIGKILL')
}

/** One chunk in the child: what it came to, the case that ended the child, or `stopped` by the signal. */
async function chunkOf(
  child: ChildProcess,
  chunk: { from: number; to: number; skip: readonly number[]; limit: number; memory: number },
  pulse: string,
  limits: Limits,
): Promise<Done | Fault | 'stopped'> {
  return await new Promise((resolve) => {
    let last = ''
    let since = performance.now()
    const fault = (kind: Fault['kind'], detail: string): Fault => ({
      index: caseOf(pulse) ?? chunk.from,
      target: '?',
      kind,
      detail,
    })
    const finish = (value: Done | Fault | 'stopped'): void => {
      clearInterval(watch)
      child.removeAllListeners('message')
      child.removeAllListeners('exit')
      limits.signal.removeEventListener('abort', onAbort)
      resolve(value)
    }
    const onAbort = (): void => finish('stopped')
    limits.signal.addEventListener('abort', onAbort)
    child.send(chunk)
    child.once('message', (done) => finish(done as Done))
    child.once('exit', (code, signal) => finish(fault('crash', `the process ended with ${signal ?? code}`)))
    const watch = setInterval(() => {
      const now = readFileSync(pulse, 'utf8')
      if (now !== last) {
        last = now
        since = performance.now()
        return
      }
      const wall = performance.now() - since
      const busy = processorTime(child.pid!) - Number(now.split(' ')[1])
      // Where the system does not tell processor time, only waiting counts.
      if (busy > limits.limit || wall > WAIT) finish(fault('hang', `more than ${Math.round(Math.max(busy, wall))} ms`))
    }, 250)
  })
}

function caseOf(pulse: string): number | undefined {
  const [index] = readFileSync(pulse, 'utf8').split(' ')
  return index ? Number(index) : undefined
}

/** Milliseconds of processor time of a process, or NaN where there is no /proc. */
function processorTime(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    // utime and stime, in hundredths of a second.
    return 10 * (Number(fields[11]) + Number(fields[12]))
  } catch {
    return Number.NaN
  }
}

function merge(state: State, done: Done): void {
  for (const [target, { cases, ok, refused }] of Object.entries(done.counts)) {
    const total = state.counts[target] ?? { cases: 0, ok: 0, refused: 0 }
    state.counts[target] = total
    total.cases += cases
    total.ok += ok
    total.refused += refused
  }
  state.faults.push(...done.faults)
  state.slowest = Math.max(state.slowest, done.slowest)
  state.peak = Math.max(state.peak, done.peak)
}
