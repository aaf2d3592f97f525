// The task module of a classifier's worker pool.
import { serveKernels, type WorkerSetup } from '@ood/runtime'
import type { KernelSetup } from './kernel-setup.ts'
import { openKernels } from './kernels.ts'

/** Called once per worker; the kernels are its tasks. */
export const setup: WorkerSetup<KernelSetup> = serveKernels(openKernels)
