// Kernels behind a worker pool or in process, every call with the caller's signal.
import { setImmediate } from 'node:timers/promises'
import { throwIfAborted } from '@ood/core'
import { openPool } from '@ood/runtime'

/** Functions on flat rows that can run in a worker. */
export type KernelSet = { release(): Promise<void> }

type Name<Kernels extends KernelSet> = Exclude<keyof Kernels & string, 'release'>
type Call = (...args: never[]) => Promise<unknown>
type Args<F> = F extends (...args: infer A) => unknown ? A : never
type Result<F> = F extends Call ? Awaited<ReturnType<F>> : never

/** Kernels that stop at once when `signal` fires: a running batch is left to end by itself. */
export interface Engine<Kernels extends KernelSet> {
  call<N extends Name<Kernels>>(
    name: N,
    args: Args<Kernels[N]>,
    signal: AbortSignal | undefined,
  ): Promise<Result<Kernels[N]>>
  release(): Promise<void>
}

/** How kernels start: here with `open`, in a worker by the module `tasks` beside this file, which is sent `setup`. */
export interface EngineParts<Setup, Kernels extends KernelSet> {
  setup: Setup
  workers: number
  open: (setup: Setup) => Kernels
  tasks: string
}

/**
 * Kernels in `workers` threads, or in process for 0: then the event loop is blocked during a batch and gets a turn
 * before each.
 */
export function startEngine<Setup, Kernels extends KernelSet>(parts: EngineParts<Setup, Kernels>): Engine<Kernels> {
  const { setup, workers, open, tasks } = parts
  if (workers === 0) {
    const kernels = open(setup)
    return {
      async call(name, args, signal) {
        await setImmediate()
        throwIfAborted(signal, name)
        const task = kernels[name] as (...given: typeof args) => Promise<Result<Kernels[typeof name]>>
        return task(...args)
      },
      release: () => kernels.release(),
    }
  }
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const pool = openPool({ size: workers, module: new URL(`./${tasks}.${extension}`, import.meta.url), setup })
  return {
    call: (name, args, signal) => pool.run(name, args, signal ? { signal } : {}),
    release: () => pool.close(),
  }
}
