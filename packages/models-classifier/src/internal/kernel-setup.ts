// What a classifier's kernels are made from.
import type { Device } from '@ood/runtime'

/** Plain data, so that it can be sent to a worker. */
export interface KernelSetup {
  name: string
  /** Bytes of the graph with exactly the outputs logits and features. */
  graph: Uint8Array
  device: Device
  input: string
  logits: string
  features: string
  classes: number
  dimension: number
  /** Shape of one row of the input. */
  modelShape: readonly number[]
  /** Rows that the graph takes at once, no more and no fewer; 0 for a free batch axis. */
  fixedBatch: number
}
