// The task module of the engine's tests.
import { serveKernels, type WorkerSetup } from '@ood/runtime'
import { openDoubling } from './doubling-kernels.ts'

export const setup: WorkerSetup<{ factor: number }> = serveKernels(openDoubling)
