// What the flow's kernels are made from.
import type { Device } from '@ood/runtime'

/** What the kernels are made from; plain data, so it can be sent to a worker. */
export interface KernelSetup {
  name: string
  /** Bytes of the two graphs. */
  encode: Uint8Array
  decode: Uint8Array
  device: Device
  /** Shape of one row of the encoder's input and decoder's output. */
  modelShape: readonly number[]
  dimension: number
  /** Unit tangents pushed through the decoder together for a Jacobian; 0 computes all rows in one graph. */
  chunk: number
}
