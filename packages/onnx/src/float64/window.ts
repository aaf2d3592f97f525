// Windows sliding over an image, as one strided slice for each place of the kernel.
import { attribute } from '../attributes.ts'
import { toBind } from '../hints.ts'
import type { Lowered } from '../lower/lowering-rule.ts'
import { axesFrom, shapeOf, unsupported } from './float64-rule.ts'

/** A window operator's geometry over its spatial axes. */
export interface Window {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  /** Padding before and after each axis. */
  readonly before: readonly number[]
  readonly after: readonly number[]
}

/** Reads kernel, strides, dilations and padding; `auto_pad` needs known sizes unless the stride is 1. */
export function windowOf(l: Lowered, kernel: readonly number[]): Window {
  const ones = kernel.map(() => 1)
  const strides = attribute(l.node, 'strides', 'ints', ones)
  const dilations = attribute(l.node, 'dilations', 'ints', ones)
  const pads = attribute(l.node, 'pads', 'ints', undefined) ?? [...ones, ...ones].map(() => 0)
  const auto = attribute(l.node, 'auto_pad', 'string', 'NOTSET')
  const n = kernel.length
  if (auto === 'NOTSET') return { kernel, strides, dilations, before: pads.slice(0, n), after: pads.slice(n) }
  const total = kernel.map((k, i) => {
    const extent = (k - 1) * dilations[i]! + 1
    if (auto === 'VALID') return 0
    const size = shapeOf(l, l.x[0]!)[i + 2]!
    if (strides[i] === 1) return extent - 1
    if (typeof size !== 'number') throw unsupported(l, toBind(`auto_pad ${auto} of a known size`))
    return Math.max(0, (Math.ceil(size / strides[i]!) - 1) * strides[i]! + extent - size)
  })
  const half = total.map((p) => (auto === 'SAME_LOWER' ? Math.ceil(p / 2) : Math.floor(p / 2)))
  return { kernel, strides, dilations, before: half, after: total.map((p, i) => p - half[i]!) }
}

/** Zeros (or values taken away, where negative) around the spatial axes of [N, C, ...]. */
export function pad(l: Lowered, x: string, before: readonly number[], after: readonly number[]): string {
  if (before.every((p) => p === 0) && after.every((p) => p === 0)) return x
  return l.g.op('Pad', [x, l.g.int64([0, 0, ...before, 0, 0, ...after]), l.g.scalar('float64', 0)])
}

/** What each place of the kernel sees, [N, C, ...outputs] each, in row-major order of the places. */
export function places(l: Lowered, padded: string, w: Window): string[] {
  const { g } = l
  const n = w.kernel.length
  const total = w.kernel.reduce((product, k) => product * k, 1)
  if (total === 1 && w.strides.every((s) => s === 1)) return [padded]
  const axes = g.int64(axesFrom(2, n + 2))
  const steps = g.int64(w.strides)
  return Array.from({ length: total }, (_, place) => {
    const starts: number[] = []
    const ends: number[] = []
    let rest = place
    for (let i = n - 1; i >= 0; i--) {
      const at = rest % w.kernel[i]!
      rest = Math.floor(rest / w.kernel[i]!)
      starts.unshift(at * w.dilations[i]!)
      // Counted from the end, so that the size need not be known; a remainder below the stride adds no step.
      const left = (w.kernel[i]! - 1 - at) * w.dilations[i]!
      ends.unshift(left === 0 ? 2 ** 40 : -left)
    }
    return g.op('Slice', [padded, g.int64(starts), g.int64(ends), axes, steps])
  })
}
