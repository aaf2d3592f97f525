// Kernels of a model behind a worker pool or in process, and sweeps of rows over them.
import { setImmediate } from 'node:timers/promises'
import { type CallOptions, sweep, throwIfAborted } from '@ood/core'
import { handOver } from '../hand-over.ts'
import { openPool } from '../pool.ts'
import type { ModelSettings } from './settings.ts'

/** Functions on flat rows that can run in a worker: what they take and give can be cloned. */
export interface KernelSet {
  release(): Promise<void>
}

type Name<Kernels extends KernelSet> = Exclude<keyof Kernels & string, 'release'>
type Args<F> = F extends (...args: infer A) => unknown ? A : never
type Result<F> = F extends (...args: never[]) => Promise<infer R> ? R : never

/** The kernels of an opened model. */
export interface Engine<Kernels extends KernelSet> {
  /** Calls in flight together that keep every worker busy. */
  readonly lanes: number
  /** Calls one kernel. When `signal` fires it rejects at once; a running batch is left to end by itself. */
  call<N extends Name<Kernels>>(
    name: N,
    args: Args<Kernels[N]>,
    signal: AbortSignal | undefined,
  ): Promise<Result<Kernels[N]>>
  /**
   * Calls `run(from, to)` for all of `total` rows, on as many lanes as there are: `options.batchSize` rows together, or
   * as many as keep all lanes busy, at most the model's batch size.
   */
  sweep(
    label: string,
    total: number,
    options: CallOptions | undefined,
    run: (from: number, to: number) => Promise<void>,
  ): Promise<void>
  release(): Promise<void>
}

/** How kernels start. */
export interface EngineParts<Setup, Kernels extends KernelSet> {
  /** What they are made from; plain data, so that it can be sent to a worker. */
  setup: Setup
  settings: ModelSettings
  /** Opens them here. */
  open: (setup: Setup) => Kernels
  /** Module that opens them in a worker: it exports `setup = serveKernels(open)`. */
  tasks: URL
}

/**
 * Kernels in `settings.workers` threads, or in process for 0: then the event loop is blocked during a batch and gets a
 * turn before each. Every worker has its own sessions, so results do not depend on how many there are.
 *
 * @example
 * const engine = startEngine({ setup, settings, open: openKernels, tasks: taskModule('./tasks.ts', import.meta.url) })
 * const z = await engine.call('encode', [x, rows], signal)
 */
export function startEngine<Setup, Kernels extends KernelSet>(parts: EngineParts<Setup, Kernels>): Engine<Kernels> {
  const { workers, batchSize: most } = parts.settings
  const lanes = Math.max(1, workers)
  return {
    lanes,
    sweep(label, total, options, run) {
      const batchSize = options?.batchSize ?? Math.min(most, Math.ceil(total / lanes) || 1)
      return sweep({ label, total, batchSize, lanes }, options, run)
    },
    ...(workers === 0 ? inProcess(parts) : pooled(parts)),
  }
}

function inProcess<Setup, Kernels extends KernelSet>({ open, setup }: EngineParts<Setup, Kernels>) {
  const kernels = open(setup)
  const call: Engine<Kernels>['call'] = async (name, args, signal) => {
    await setImmediate()
    throwIfAborted(signal, name)
    const kernel = kernels[name] as (...given: typeof args) => Promise<Result<Kernels[typeof name]>>
    return kernel(...args)
  }
  return { call, release: () => kernels.release() }
}

function pooled<Setup, Kernels extends KernelSet>({ settings, setup, tasks }: EngineParts<Setup, Kernels>) {
  const pool = openPool({ size: settings.workers, module: tasks, setup })
  const call: Engine<Kernels>['call'] = (name, args, signal) => pool.run(name, args, { signal })
  return { call, release: () => pool.close() }
}

/** What a task module exports as `setup`: opens the kernels once per worker and gives them, and `release`, as tasks. */
export type WorkerSetup<Setup> = (setup: Setup) => Record<string, Task>

type Task = (...args: never[]) => Promise<unknown>

/**
 * The whole of a task module: `export const setup: WorkerSetup<KernelSetup> = serveKernels(openKernels)`. Arrays in a
 * kernel's result - it, or its members - are handed over to the caller, so a kernel must not keep them.
 */
export function serveKernels<Setup>(open: (setup: Setup) => KernelSet): WorkerSetup<Setup> {
  return (setup) => {
    const { release, ...kernels } = open(setup)
    const tasks = (Object.entries(kernels) as [string, Task][]).map(([name, kernel]): [string, Task] => [
      name,
      async (...args) => moved(await kernel(...args)),
    ])
    return { ...Object.fromEntries(tasks), release }
  }
}

function moved(out: unknown): unknown {
  const members = ArrayBuffer.isView(out) ? [out] : Object.values(out as object)
  return handOver(out, members.filter(ArrayBuffer.isView))
}

/**
 * A module beside the caller's, from TypeScript sources or as it was built.
 *
 * @example
 * taskModule('./tasks.ts', import.meta.url)
 */
export function taskModule(path: `${string}.ts`, base: string): URL {
  return new URL(base.endsWith('.ts') ? path : path.replace(/\.ts$/, '.js'), base)
}
