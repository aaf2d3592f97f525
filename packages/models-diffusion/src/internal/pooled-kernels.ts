// The kernels behind a worker pool, every call with the caller's signal.
import { throwIfAborted } from '@ood/core'
import { openPool } from '@ood/runtime'
import { type KernelSetup, type Kernels, openKernels } from './kernels.ts'

/** Calls of the kernels that stop at once when `signal` fires: a running batch is left to end by itself. */
export interface Engine {
  call<Name extends 'net' | 'jvp' | 'divergence'>(
    name: Name,
    args: Parameters<Kernels[Name]>,
    signal: AbortSignal | undefined,
  ): ReturnType<Kernels[Name]>
  release(): Promise<void>
}

/**
 * Kernels in `workers` threads, or in process for 0. Every worker has its own sessions with one thread, so results do
 * not depend on how many there are.
 */
export function startEngine(setup: KernelSetup, workers: number): Engine {
  if (workers === 0) {
    const kernels = openKernels(setup)
    return {
      call(name, args, signal) {
        throwIfAborted(signal, name)
        const task = kernels[name] as (...given: typeof args) => ReturnType<Kernels[typeof name]>
        return task(...args)
      },
      release: () => kernels.release(),
    }
  }
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const pool = openPool({ size: workers, module: new URL(`./tasks.${extension}`, import.meta.url), setup })
  return {
    call: (name, args, signal) => pool.run(name, args, signal ? { signal } : {}) as never,
    release: () => pool.close(),
  }
}
