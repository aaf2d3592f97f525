// The task module of a PixelCNN++'s worker pool: the kernels, one call a task.
import { handOver } from '@ood/runtime'
import { type KernelSetup, type Kernels, openKernels } from './kernels.ts'

let kernels: Kernels

/** Called once per worker. */
export function setup(value: KernelSetup): void {
  kernels = openKernels(value)
}

/** Called once, before the worker ends. */
export function release(): Promise<void> {
  return kernels.release()
}

export async function logProb(...args: Parameters<Kernels['logProb']>): Promise<unknown> {
  const out = await kernels.logProb(...args)
  return handOver(out, [out])
}

export async function params(...args: Parameters<Kernels['params']>): Promise<unknown> {
  const out = await kernels.params(...args)
  return handOver(out, Object.values(out))
}

export async function paramsAt(...args: Parameters<Kernels['paramsAt']>): Promise<unknown> {
  const out = await kernels.paramsAt(...args)
  return handOver(out, Object.values(out))
}
