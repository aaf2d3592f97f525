// The task module of a flow's worker pool: the kernels, one call a task.
import { handOver } from '@ood/runtime'
import type { KernelSetup } from './kernel-setup.ts'
import { type Kernels, openKernels } from './kernels.ts'

let kernels: Kernels

/** Called once per worker. */
export function setup(value: KernelSetup): void {
  kernels = openKernels(value)
}

/** Called once, before the worker ends. */
export function release(): Promise<void> {
  return kernels.release()
}

export async function encode(...args: Parameters<Kernels['encode']>): Promise<unknown> {
  const out = await kernels.encode(...args)
  return handOver(out, [out.z, out.logDet])
}

export async function decode(...args: Parameters<Kernels['decode']>): Promise<unknown> {
  const out = await kernels.decode(...args)
  return handOver(out, [out])
}

export async function jvp(...args: Parameters<Kernels['jvp']>): Promise<unknown> {
  const out = await kernels.jvp(...args)
  return handOver(out, [out.value, out.tangent])
}

export async function tangents(...args: Parameters<Kernels['tangents']>): Promise<unknown> {
  const out = await kernels.tangents(...args)
  return handOver(out, [out])
}

export async function metric(...args: Parameters<Kernels['metric']>): Promise<unknown> {
  const out = await kernels.metric(...args)
  return handOver(out, [out.diagonal, out.offDiagonal, out.rotated])
}
