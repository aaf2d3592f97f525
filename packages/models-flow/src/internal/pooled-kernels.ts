// The kernels behind a worker pool: same functions, any number at a time.
import { openPool } from '@ood/runtime'
import type { KernelSetup } from './kernel-setup.ts'
import { type Kernels, openKernels } from './kernels.ts'

/**
 * Kernels that run in `workers` threads, or in process for 0. Every worker has its own sessions with one thread, so
 * results do not depend on how many there are.
 */
export function startKernels(setup: KernelSetup, workers: number): Kernels {
  if (workers === 0) return openKernels(setup)
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const pool = openPool({ size: workers, module: new URL(`./tasks.${extension}`, import.meta.url), setup })
  return {
    encode: (...args) => pool.run('encode', args),
    decode: (...args) => pool.run('decode', args),
    jvp: (...args) => pool.run('jvp', args),
    tangents: (...args) => pool.run('tangents', args),
    metric: (...args) => pool.run('metric', args),
    release: () => pool.close(),
  }
}
