// The task module of a sequence model's worker pool.
import { serveKernels, type WorkerSetup } from '@ood/runtime'
import { openSequenceKernels, type SequenceSetup } from './sequence-kernels.ts'

/** Called once per worker; the kernels are its tasks. */
export const setup: WorkerSetup<SequenceSetup> = serveKernels(openSequenceKernels)
