// Progress of several model sweeps over the same rows, reported as one.
import type { CallOptions, NdArray } from '@ood/core'

/** Call options of sweep `index` out of `count`: its progress becomes the share of the whole it is. */
export function sweepOptions(call: CallOptions, x: NdArray, index: number, count: number, label: string): CallOptions {
  const { onProgress } = call
  const options = { ...call, seed: call.seed ?? 0 }
  if (!onProgress) return options
  const rows = x.shape[0]!
  return {
    ...options,
    onProgress: ({ done, total }) =>
      onProgress({ label, done: Math.round((index + done / Math.max(1, total)) * rows), total: count * rows }),
  }
}
