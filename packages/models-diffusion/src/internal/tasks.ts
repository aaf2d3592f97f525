// The task module of a score model's worker pool: the kernels, one call a task.
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

export async function net(...args: Parameters<Kernels['net']>): Promise<unknown> {
  const out = await kernels.net(...args)
  return handOver(out, [out])
}

export async function jvp(...args: Parameters<Kernels['jvp']>): Promise<unknown> {
  const out = await kernels.jvp(...args)
  return handOver(out, [out.net, out.tangent])
}

export async function divergence(...args: Parameters<Kernels['divergence']>): Promise<unknown> {
  const out = await kernels.divergence(...args)
  return handOver(out, [out.net, out.trace, out.standardError])
}
