// The task module of a PixelCNN++'s worker pool.
import { serveKernels, type WorkerSetup } from '@ood/runtime'
import { type KernelSetup, openKernels } from './kernels.ts'

/** Called once per worker; the kernels are its tasks. */
export const setup: WorkerSetup<KernelSetup> = serveKernels(openKernels)
