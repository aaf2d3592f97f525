// The kernels behind a worker pool or in process, every call with the caller's signal.
import { setImmediate } from 'node:timers/promises'
import { throwIfAborted } from '@ood/core'
import { openPool } from '@ood/runtime'
import { type KernelSetup, type Kernels, openKernels } from './kernels.ts'

/** Kernels that stop at once when `signal` fires: a running batch is left to end by itself. */
export interface Engine {
  call<Name extends 'logProb' | 'params' | 'paramsAt'>(
    name: Name,
    args: Parameters<Kernels[Name]>,
    signal: AbortSignal | undefined,
  ): ReturnType<Kernels[Name]>
  release(): Promise<void>
}

/**
 * Kernels in `workers` threads, or in process for 0: then the event loop is blocked during a batch and gets a turn
 * before each.
 */
export function startEngine(setup: KernelSetup, workers: number): Engine {
  if (workers === 0) {
    const kernels = openKernels(setup)
    async function call<Name extends 'logProb' | 'params' | 'paramsAt'>(
      name: Name,
      args: Parameters<Kernels[Name]>,
      signal: AbortSignal | undefined,
    ): Promise<unknown> {
      await setImmediate()
      throwIfAborted(signal, name)
      const task = kernels[name] as (...given: Parameters<Kernels[Name]>) => ReturnType<Kernels[Name]>
      return task(...args)
    }
    return { call: call as Engine['call'], release: () => kernels.release() }
  }
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const pool = openPool({ size: workers, module: new URL(`./tasks.${extension}`, import.meta.url), setup })
  return {
    call: (name, args, signal) => pool.run(name, args, signal ? { signal } : {}) as never,
    release: () => pool.close(),
  }
}
