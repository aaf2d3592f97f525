// Worker pool: runs a module's exported functions on worker threads, because inference blocks the thread it runs on.
import { availableParallelism } from 'node:os'
import { type Transferable, Worker } from 'node:worker_threads'
import { assertOptions, mismatch, OodError, type OodErrorCode, throwIfAborted } from '@ood/core'
import type { Call, Reply, Request } from './internal/pool-protocol.ts'

/** What `openPool` takes. */
export interface PoolOptions {
  /** Worker threads (default: one per core). They start when first needed. */
  size?: number | undefined
  /** Module each worker imports: `new URL('./tasks.js', import.meta.url)`. Its exports are the tasks. */
  module: URL
  /**
   * Sent once to every worker before its first task, as the argument of the module's `setup` export: the place to open
   * sessions, with one thread each. The export `release`, when there is one, is the place to close them. Functions of an
   * object that `setup` returns count as exports too.
   */
  setup?: unknown | undefined
}

/** Options of one task. */
export interface TaskOptions {
  signal?: AbortSignal | undefined
  /** Buffers handed over to the worker instead of copied. */
  transfer?: readonly Transferable[] | undefined
}

/** A pool of worker threads. */
export interface Pool {
  readonly size: number
  /**
   * Calls the exported function `task` of the module with `args` on the next free worker.
   * Arguments and result are structured clones; a task hands buffers back without copying by returning `handOver()`.
   *
   * @throws OodError the task's own code and message; `E_ABORTED`; `E_RUNTIME` when the worker died
   */
  run<Result>(task: string, args?: readonly unknown[], options?: TaskOptions): Promise<Result>
  /**
   * Stops all workers; waiting and running tasks reject with `E_ABORTED` at once. Every worker finishes the call it is
   * in, calls the module's `release` export and ends by itself; one that has not done so in a minute is torn down.
   */
  close(): Promise<void>
}

interface Job {
  request: Call
  transfer: readonly Transferable[]
  resolve(value: unknown): void
  reject(error: Error): void
}

/**
 * Opens a pool. Tasks are taken first come, first served, one at a time per worker. An idle pool does not keep the
 * process alive. A worker that dies fails its task only; the next task gets a new worker.
 *
 * @throws OodError `E_ARGUMENT` for a size that is no positive integer
 * @example
 * const pool = openPool({ size: 2, module: new URL('./tasks.js', import.meta.url) })
 * const sum = await pool.run<number>('add', [1, 2])
 * await pool.close()
 */
export function openPool(options: PoolOptions): Pool {
  assertOptions('openPool', options, ['size', 'module', 'setup'])
  const size = options.size ?? availableParallelism()
  if (!(Number.isInteger(size) && size > 0)) throw mismatch('E_ARGUMENT', 'pool size', 'a positive integer', size)
  const waiting: Job[] = []
  const idle: Worker[] = []
  const busy = new Map<Worker, Job>()
  let closed = false
  let closing: Promise<void> | undefined
  let lastId = 0

  function start(): Worker {
    const worker = spawn(options)
    worker.on('message', (reply: Reply) => {
      const job = busy.get(worker)
      busy.delete(worker)
      worker.unref()
      idle.push(worker)
      if (job) settle(job, reply)
      dispatch()
    })
    worker.on('error', (cause) => drop(worker, `got ${firstLine(cause)}`, cause))
    worker.on('exit', (code) => drop(worker, `got exit code ${code}`))
    return worker
  }

  function drop(worker: Worker, got: string, cause?: unknown): void {
    const job = busy.get(worker)
    busy.delete(worker)
    if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1)
    job?.reject(
      closed
        ? new OodError('E_ABORTED', `${job.request.task}: stopped because its pool was closed`)
        : new OodError('E_RUNTIME', `${job.request.task} worker: expected it to finish, ${got}`, { cause }),
    )
    if (!closed) dispatch()
  }

  function dispatch(): void {
    while (waiting.length > 0 && (idle.length > 0 || busy.size < size)) {
      const job = waiting.shift()!
      const worker = idle.pop() ?? start()
      busy.set(worker, job)
      worker.ref()
      try {
        worker.postMessage(job.request, job.transfer)
      } catch (cause) {
        busy.delete(worker)
        worker.unref()
        idle.push(worker)
        const message = `${job.request.task} arguments: expected cloneable values, got ${firstLine(cause)}`
        job.reject(new OodError('E_ARGUMENT', message, { cause }))
      }
    }
  }

  return {
    size,
    run<Result>(task: string, args: readonly unknown[] = [], { signal, transfer = [] }: TaskOptions = {}) {
      return new Promise<Result>((resolve, reject) => {
        if (closed) throw new OodError('E_RUNTIME', `${task}: expected an open pool, got a closed one`)
        throwIfAborted(signal, task)
        lastId += 1
        const abort = (): void => {
          const at = waiting.indexOf(job)
          if (at >= 0) waiting.splice(at, 1)
          job.reject(new OodError('E_ABORTED', `${task}: stopped by the caller`, { cause: signal?.reason }))
        }
        const job: Job = {
          request: { id: lastId, task, args },
          transfer,
          resolve(value) {
            signal?.removeEventListener('abort', abort)
            resolve(value as Result)
          },
          reject(error) {
            signal?.removeEventListener('abort', abort)
            reject(error)
          },
        }
        signal?.addEventListener('abort', abort, { once: true })
        waiting.push(job)
        dispatch()
      })
    },
    close() {
      closing ??= closeAll()
      return closing
    },
  }

  async function closeAll(): Promise<void> {
    closed = true
    for (const job of waiting.splice(0))
      job.reject(new OodError('E_ABORTED', `${job.request.task}: stopped because its pool was closed`))
    for (const [, job] of busy)
      job.reject(new OodError('E_ABORTED', `${job.request.task}: stopped because its pool was closed`))
    await Promise.all([...idle, ...busy.keys()].map(leave))
  }
}

/** Longest wait for a worker to end by itself when its pool is closed, in milliseconds. */
const GRACE_MS = 60_000

/**
 * Asks a worker to end and waits until it has. A worker torn down inside a native call, or with sessions open, can take
 * the whole process with it (SIGABRT): so it ends by itself, when it has come back.
 */
function leave(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => worker.terminate(), GRACE_MS)
    worker.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    worker.ref()
    worker.postMessage({ close: true } satisfies Request)
  })
}

function settle(job: Job, reply: Reply): void {
  if (reply.error === undefined) job.resolve(reply.value)
  else if (reply.error.code === undefined) job.reject(new OodError('E_RUNTIME', reply.error.message))
  else job.reject(new OodError(reply.error.code as OodErrorCode, reply.error.message))
}

/**
 * Starts one worker. From built files it is a plain worker. From TypeScript sources (tests, examples) the worker first
 * registers tsx, which Node does not do for a worker's entry file by itself, and resolves packages to their sources.
 */
function spawn({ module, setup }: PoolOptions): Worker {
  const source = import.meta.url.endsWith('.ts')
  const entry = new URL(source ? './internal/pool-worker.ts' : './internal/pool-worker.js', import.meta.url)
  const workerData = { module: module.href, setup }
  if (!source && !/\.[cm]?ts$/.test(module.pathname))
    return new Worker(entry, { workerData, ...workerOptions(process.execArgv) })
  const bootstrap = `import { register } from ${JSON.stringify(import.meta.resolve('tsx/esm/api'))}
register()
await import(${JSON.stringify(entry.href)})`
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(bootstrap)}`), {
    workerData,
    execArgv: source ? ['--conditions=@ood/source'] : [],
  })
}

/**
 * Workers inherit the process's Node options by themselves, but refuse to start when those belong to a script on the
 * command line (`--input-type=module -e ...`): such a process gives its workers none.
 */
function workerOptions(execArgv: readonly string[]): { execArgv?: string[] } {
  const scripted = execArgv.some((option) => option.split('=', 1)[0] === '--input-type')
  return scripted ? { execArgv: [] } : {}
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0]!
}
