// What a pass to float64 carries from node to node.
import type { Names } from '../fresh-name.ts'

/** A pass over one model. */
export interface Converter {
  readonly opset: number
  readonly names: Names
  readonly fallback: 'error' | 'float32'
}
