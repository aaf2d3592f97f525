// The geometry of convolutions and pooling: how positions of the small side see the big side.
import { attribute } from '../../attributes.ts'
import type { Dim, Node } from '../../types.ts'

/**
 * A window over the big side (the input of a convolution, the result of a transposed one) for each position of the small
 * side. Position o sees big index o * stride + tap * dilation - before, for each tap of the kernel.
 */
export interface Window {
  readonly kernel: readonly Dim[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  /** Padding of the big side. */
  readonly before: readonly number[]
  readonly after: readonly number[]
  readonly group: number
}

/** The window of a node; undefined when its padding depends on sizes that are not known. */
export function windowOf(
  node: Node,
  sizes: readonly Dim[],
  big: readonly Dim[],
  small: readonly Dim[],
): Window | undefined {
  const kernel: readonly Dim[] = attribute(node, 'kernel_shape', 'ints', undefined) ?? sizes
  const rank = kernel.length
  const fill = (value: number): number[] => new Array<number>(rank).fill(value)
  const strides = attribute(node, 'strides', 'ints', fill(1))
  const dilations = attribute(node, 'dilations', 'ints', fill(1))
  const group = attribute(node, 'group', 'int', 1)
  const auto = attribute(node, 'auto_pad', 'string', 'NOTSET')
  const transposed = node.opType === 'ConvTranspose'
  const base = { kernel, strides, dilations, group }
  const shape = transposed ? attribute(node, 'output_shape', 'ints', undefined) : undefined
  if (auto === 'VALID' && !shape) return { ...base, before: fill(0), after: fill(0) }
  if (!auto.startsWith('SAME') && !shape) {
    const pads = attribute(node, 'pads', 'ints', [...fill(0), ...fill(0)])
    return { ...base, before: pads.slice(0, rank), after: pads.slice(rank) }
  }
  const extra = attribute(node, 'output_padding', 'ints', fill(0))
  const totals = kernel.map((k, i): number | undefined => {
    const [n, o, s] = [big[i]!, small[i]!, strides[i]!]
    if (typeof k !== 'number') return undefined
    const reach = (k - 1) * dilations[i]! + 1
    if (s === 1 && !shape) return reach - 1
    if (typeof n !== 'number' || typeof o !== 'number') return undefined
    return Math.max(0, s * (o - 1) + reach + (transposed ? extra[i]! : 0) - n)
  })
  if (!totals.every((total) => total !== undefined)) return undefined
  // An odd element goes to the end with SAME_UPPER only, in the engine also when a transposed convolution has a shape.
  const late = auto === 'SAME_UPPER'
  const less = totals.map((total) => Math.floor(total / 2))
  const more = totals.map((total, i) => total - less[i]!)
  return { ...base, before: late ? less : more, after: late ? more : less }
}

/** Numbers from the first to the last tap of an axis, ends included; undefined when the kernel's size is not known. */
export function reach(w: Window, axis: number): number | undefined {
  const k = w.kernel[axis]
  return typeof k === 'number' ? (k - 1) * w.dilations[axis]! + 1 : undefined
}

/** What a transposed convolution of `small` positions lacks to `big`; undefined when a size is not known. */
export function outputPadding(w: Window, axis: number, big: Dim, small: Dim): number | undefined {
  const length = reach(w, axis)
  if (length === undefined) return undefined
  if (w.strides[axis] === 1) return 0
  if (typeof big !== 'number' || typeof small !== 'number') return undefined
  return big - (w.strides[axis]! * (small - 1) + length - w.before[axis]! - w.after[axis]!)
}
