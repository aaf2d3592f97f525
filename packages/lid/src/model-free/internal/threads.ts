// Worker threads for independent pieces of work over shared memory; the calling thread alone where there are none.

import type { Worker } from 'node:worker_threads'
import { nodeModule, OodError, type OodErrorCode, throwIfAborted } from '@ood/core'
import type { DimensionRule } from '../neighbourhood.ts'
import { type Job, perform } from './jobs.ts'

/** What a worker answers: nothing, or an error as plain data. */
export interface JobReply {
  error?: { code?: string | undefined; message: string }
}

/** Where jobs run. */
export interface Crew {
  /** Jobs at the same time; 1 means on the calling thread. */
  readonly threads: number
  /**
   * Runs all jobs, in any order. `rule` is what `estimate` jobs call on the calling thread (workers make their own from
   * the job's specification).
   */
  run(jobs: readonly Job[], call: CrewCall): Promise<void>
}

/** Options of one batch of jobs. */
interface CrewCall {
  what: string
  signal?: AbortSignal | undefined
  rule?: DimensionRule
  /** Called after every job with how many are done. */
  onDone?: (done: number) => void
}

/** Idle workers, kept for the next call; they do not keep the process alive. */
const idle: Worker[] = []
/** The calling thread lets timers run this often, so that a progress bar moves and an abort arrives. */
const BREATHE_MS = 50

/** Threads of this machine, 1 where there are no worker threads (a browser) or their file is not here (a bundle). */
export async function cores(): Promise<number> {
  return workerIsHere() ? nodeModule<typeof import('node:os')>('node:os')!.availableParallelism() : 1
}

let present: boolean | undefined

/** Whether there are threads and the worker's file lies beside this one; a bundle has this one alone. */
function workerIsHere(): boolean {
  const { url } = import.meta
  present ??=
    url?.startsWith('file:') === true &&
    nodeModule<typeof import('node:fs')>('node:fs')?.existsSync(
      new URL(url.endsWith('.ts') ? './worker.ts' : './worker.js', url),
    ) === true
  return present
}

/** As many threads as wanted, 1 where there are none: a number of threads is never part of a result. */
export function usableThreads(wanted: number): number {
  return workerIsHere() ? wanted : 1
}

/** A crew of `threads` workers, or the calling thread for 1. */
export function crew(threads: number): Crew {
  return { threads, run: threads > 1 ? (jobs, call) => runInWorkers(jobs, threads, call) : runHere }
}

async function runHere(jobs: readonly Job[], { what, signal, rule, onDone }: CrewCall): Promise<void> {
  let breath = performance.now()
  for (const [i, job] of jobs.entries()) {
    throwIfAborted(signal, what)
    perform(job, rule)
    onDone?.(i + 1)
    if (performance.now() - breath > BREATHE_MS) {
      await new Promise((resolve) => setTimeout(resolve))
      breath = performance.now()
    }
  }
}

async function runInWorkers(jobs: readonly Job[], threads: number, call: CrewCall): Promise<void> {
  let next = 0
  let done = 0
  const worker = async (): Promise<void> => {
    const thread = idle.pop() ?? (await start())
    thread.ref()
    let healthy = false
    try {
      while (next < jobs.length) {
        throwIfAborted(call.signal, call.what)
        const job = jobs[next++]!
        await ask(thread, job, call.what)
        call.onDone?.(++done)
      }
      healthy = true
    } catch (error) {
      next = jobs.length // the others stop after the job in hand
      healthy = error instanceof OodError && error.code !== 'E_RUNTIME'
      throw error
    } finally {
      thread.unref()
      if (healthy) idle.push(thread)
      else void thread.terminate()
    }
  }
  const all = await Promise.allSettled(Array.from({ length: Math.min(threads, jobs.length) }, worker))
  for (const one of all) if (one.status === 'rejected') throw one.reason
}

function ask(thread: Worker, job: Job, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (cause: unknown): void => {
      const got = cause instanceof Error ? cause.message : `exit code ${String(cause)}`
      settle(new OodError('E_RUNTIME', `${what} worker: expected it to finish, got ${got}`, { cause }))
    }
    const answer = ({ error }: JobReply): void => {
      settle(error && new OodError((error.code ?? 'E_RUNTIME') as OodErrorCode, error.message))
    }
    const settle = (error?: OodError): void => {
      thread.off('message', answer).off('error', stop).off('exit', stop)
      if (error) reject(error)
      else resolve()
    }
    thread.on('message', answer).on('error', stop).on('exit', stop)
    thread.postMessage(job)
  })
}

/**
 * Starts one worker. From TypeScript sources (tests, examples) it first registers tsx, which Node does not do for a
 * worker's entry file by itself, and resolves packages to their sources.
 */
async function start(): Promise<Worker> {
  const threads = nodeModule<typeof import('node:worker_threads')>('node:worker_threads')!
  if (!import.meta.url.endsWith('.ts')) {
    // A script on the command line hands its workers options that a worker file refuses.
    const scripted = process.execArgv.some((option) => option.startsWith('--input-type'))
    return new threads.Worker(new URL('./worker.js', import.meta.url), scripted ? { execArgv: [] } : {})
  }
  const entry = new URL('./worker.ts', import.meta.url)
  const bootstrap = `import { register } from ${JSON.stringify(import.meta.resolve('tsx/esm/api'))}
register()
await import(${JSON.stringify(entry.href)})`
  return new threads.Worker(new URL(`data:text/javascript,${encodeURIComponent(bootstrap)}`), {
    execArgv: ['--conditions=@ood/source'],
  })
}
