// The task module of a sequence model's worker pool: the kernels, one call a task.
import { handOver } from '@ood/runtime'
import { openSequenceKernels, type SequenceKernels, type SequenceSetup } from './sequence-kernels.ts'

let kernels: SequenceKernels

/** Called once per worker. */
export function setup(value: SequenceSetup): void {
  kernels = openSequenceKernels(value)
}

/** Called once, before the worker ends. */
export function release(): Promise<void> {
  return kernels.release()
}

export async function logits(...args: Parameters<SequenceKernels['logits']>): Promise<unknown> {
  const out = await kernels.logits(...args)
  return handOver(out, [out])
}

export async function logProb(...args: Parameters<SequenceKernels['logProb']>): Promise<unknown> {
  const out = await kernels.logProb(...args)
  return handOver(out, [out])
}
