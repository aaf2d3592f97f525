// Pooling in float64: sums over the places of the window, divided by how many of them count.
import { attribute, int } from '../attributes.ts'
import { toBind } from '../hints.ts'
import type { Lowered, Lowering, LoweringTable } from '../lower/lowering-rule.ts'
import { constantTensor } from '../tensors.ts'
import { axesFrom, decimal, shapeOf, unsupported } from './float64-rule.ts'
import { pad, places, type Window, windowOf } from './window.ts'

/** The window with its padding extended to what ceil_mode adds, and the known output sizes where there are any. */
function rounded(l: Lowered, w: Window): { window: Window; out: readonly (number | undefined)[] } {
  const ceil = attribute(l.node, 'ceil_mode', 'int', 0) === 1
  const sizes = shapeOf(l, l.x[0]!).slice(2)
  const after: number[] = []
  const out = w.kernel.map((k, i) => {
    const size = sizes[i]!
    const extent = (k - 1) * w.dilations[i]! + 1
    const stride = w.strides[i]!
    after.push(w.after[i]!)
    if (typeof size !== 'number') {
      if (ceil && stride > 1) throw unsupported(l, toBind('ceil_mode for known sizes'))
      return undefined
    }
    const room = size + w.before[i]! + w.after[i]! - extent
    let n = (ceil ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1
    // A window that would begin in the padding behind the image is left out.
    if (ceil && (n - 1) * stride >= size + w.before[i]!) n--
    after[i] = w.after[i]! + Math.max(0, (n - 1) * stride - room)
    return n
  })
  return { window: { ...w, after }, out }
}

/** How many places of each window lie on the image (or on its declared padding), [...outputs]; known sizes. */
function counts(l: Lowered, w: Window, out: readonly (number | undefined)[], padded: boolean): string {
  const sizes = shapeOf(l, l.x[0]!).slice(2) as number[]
  const perAxis = w.kernel.map((k, i) =>
    Array.from({ length: out[i]! }, (_, o) => {
      const from = padded ? -w.before[i]! : 0
      const to = sizes[i]! + (padded ? w.after[i]! : 0)
      let n = 0
      for (let j = 0; j < k; j++) {
        const at = o * w.strides[i]! - w.before[i]! + j * w.dilations[i]!
        if (at >= from && at < to) n++
      }
      return n
    }),
  )
  const all = perAxis.reduce((left, right) => left.flatMap((a) => right.map((b) => a * b)), [1])
  return l.g.constant('counts', constantTensor('float64', out as number[], Float64Array.from(all)))
}

const averagePool: Lowering = (l) => {
  const { p, g } = l
  const kernel = attribute(l.node, 'kernel_shape', 'ints', [] as readonly number[])
  const declared = windowOf(l, kernel)
  const { window, out } = rounded(l, declared)
  const x = l.x[0]!
  const places_ = places(l, pad(l, x, window.before, window.after), window)
  const sum = places_.length === 1 ? places_[0]! : g.op('Sum', places_)
  const total = kernel.reduce((product, k) => product * k, 1)
  const includePad = attribute(l.node, 'count_include_pad', 'int', 0) === 1
  const plain = window.after.every((a, i) => a === declared.after[i])
  const unpadded = window.before.every((b) => b === 0) && window.after.every((a) => a === 0)
  if (unpadded || (includePad && plain)) return [p.mul(sum, 1 / total)]
  if (out.every((n) => n !== undefined)) return [p.div(sum, counts(l, declared, out, includePad))]
  // Sizes known at run time only: the same sums of ones.
  const ones = g.op('Slice', [
    g.op('Add', [p.mul(x, 0), g.scalar('float64', 1)]),
    g.int64([0, 0]),
    g.int64([1, 1]),
    g.int64([0, 1]),
  ])
  const counted = places(l, pad(l, ones, window.before, window.after), window)
  return [p.div(sum, g.op('Sum', counted))]
}

const lpPool: Lowering = (l) => {
  const { p, g } = l
  const kernel = attribute(l.node, 'kernel_shape', 'ints', [] as readonly number[])
  const { window } = rounded(l, windowOf(l, kernel))
  const order = attribute(l.node, 'p', 'int', 2)
  const powers = p.pow(p.un('Abs', l.x[0]!), order)
  return [p.pow(g.op('Sum', places(l, pad(l, powers, window.before, window.after), window)), 1 / order)]
}

/** Reduction of all spatial axes. */
const global = (reduce: string): Lowering => {
  return (l) => {
    const rank = shapeOf(l, l.x[0]!).length
    return [l.g.op(reduce, [l.x[0]!, l.g.int64(axesFrom(2, rank))], { keepdims: int(1) })]
  }
}

const globalLpPool: Lowering = (l) => {
  const { p, g } = l
  const order = attribute(l.node, 'p', 'int', 2)
  const axes = g.int64(axesFrom(2, shapeOf(l, l.x[0]!).length))
  return [p.pow(g.op('ReduceSum', [p.pow(p.un('Abs', l.x[0]!), order), axes], { keepdims: int(1) }), 1 / order)]
}

/** x / (bias + alpha / size * sum of squares of neighbouring channels)^beta. */
const localResponse: Lowering = (l) => {
  const { p, g } = l
  const x = l.x[0]!
  const size = attribute(l.node, 'size', 'int', 1)
  const rank = shapeOf(l, x).length
  const pads = new Array<number>(2 * rank).fill(0)
  pads[1] = Math.floor((size - 1) / 2)
  pads[rank + 1] = Math.ceil((size - 1) / 2)
  const squares = g.op('Pad', [p.mul(x, x), g.int64(pads), g.scalar('float64', 0)])
  const parts = Array.from({ length: size }, (_, i) => {
    const left = size - 1 - i
    return g.op('Slice', [squares, g.int64([i]), g.int64([left === 0 ? 2 ** 40 : -left]), g.int64([1])])
  })
  const scale = p.add(p.mul(g.op('Sum', parts), decimal(l, 'alpha', 0.0001) / size), decimal(l, 'bias', 1))
  return [p.div(x, p.pow(scale, decimal(l, 'beta', 0.75)))]
}

export const poolingForms: LoweringTable = {
  AveragePool: averagePool,
  LpPool: lpPool,
  GlobalAveragePool: global('ReduceMean'),
  GlobalMaxPool: global('ReduceMax'),
  GlobalLpPool: globalLpPool,
  LRN: localResponse,
}
