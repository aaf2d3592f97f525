// Derivatives of operators that pick, place or order elements by index.
import { attribute, int, text } from '../../attributes.ts'
import { toBind } from '../../hints.ts'
import { positiveAxis, times } from '../../infer/dims.ts'
import { count, plainNumbers } from '../../tensors.ts'
import type { Dim } from '../../types.ts'
import {
  type Application,
  combine,
  linear,
  type Rule,
  type RuleTable,
  shapeOf,
  typeOf,
  unsupported,
} from '../derivative-rule.ts'
import { type Factor, factorOf, scalar } from '../factor.ts'
import {
  gather as gatherAlong,
  gatherElements,
  scatter as scatterAlong,
  scatterElements,
  take,
} from '../ops/indexing.ts'
import { reshape, slice } from '../ops/movement.ts'
import { primal } from '../primal.ts'
import type { Tangent, Term } from '../tangent.ts'
import { firstOutput } from './movement.ts'

const axisOf = (a: Application, rank: number, fallback = 0): number =>
  positiveAxis(attribute(a.node, 'axis', 'int', fallback), rank)

/** One constant index is a slice without its axis. */
const gather: Rule = linear((a, t) => {
  const axis = axisOf(a, t.shape.length)
  const constant = a.g.constantTensor(a.x[1]!)
  const size = t.shape[axis]
  if (constant && count(constant.shape) === 1 && typeof size === 'number') {
    const index = positiveAxis(plainNumbers(constant)[0]!, size)
    const one = slice(a.tape, t, axis, index, 1, undefined)
    return one && reshape(a.tape, one, shapeOf(a, a.y[0]!), a.y[0])
  }
  return gatherAlong(a.tape, t, axis, a.x[1]!, firstOutput(a))
})

/** The same indices for each of the K directions. */
const gatherElementsRule: Rule = linear((a, t) =>
  gatherElements(a.tape, t, axisOf(a, t.shape.length), a.x[1]!, firstOutput(a)),
)

/** Rows of a matrix: data whose leading axes an index list counts through as one, and the rest as the other. */
interface Rows {
  /** The row of each index tuple, in the shape of the indices without their last axis. */
  readonly index: string
  /** Shape of the indices without their last axis. */
  readonly places: readonly Dim[]
  readonly rows: Dim
  readonly width: Dim
  /** First axis of the data that belongs to a row. */
  readonly first: number
}

/** Index tuples [..., depth] into data of a shape as row numbers; the first `batch` axes are shared by both. */
function rowsOf(a: Application, data: string, indices: string, batch: number): Rows {
  const shape = shapeOf(a, data)
  const places = shapeOf(a, indices).slice(0, -1)
  const depth = shapeOf(a, indices).at(-1)
  if (typeof depth !== 'number') throw unsupported(a, toBind('index tuples of a known length'))
  const { g } = a
  const sizes = g.op('Slice', [g.op('Shape', [data]), g.int64([batch]), g.int64([batch + depth])])
  const known = shape.slice(batch, batch + depth)
  const isKnown = known.every((n): n is number => typeof n === 'number')
  const dims = isKnown ? g.int64(known) : sizes
  // Tuples may count from the end; strides count the elements of the axes behind.
  const positive = g.op('Mod', [g.op('Add', [indices, dims]), dims])
  let strides: string
  if (isKnown) strides = g.int64(known.map((_, axis) => count(known.slice(axis + 1))))
  else {
    const suffix = Array.from({ length: depth }, (_, axis) =>
      g.op('ReduceProd', [g.op('Slice', [sizes, g.int64([axis + 1]), g.int64([depth])])], { keepdims: int(1) }),
    )
    strides = suffix.length === 1 ? suffix[0]! : g.op('Concat', suffix, { axis: int(0) })
  }
  let index = g.op('ReduceSum', [g.op('Mul', [positive, strides]), g.int64([-1])], { keepdims: int(0) })
  if (batch > 0) {
    const batches = g.op('ReduceProd', [g.op('Slice', [g.op('Shape', [data]), g.int64([0]), g.int64([batch])])], {
      keepdims: int(0),
    })
    const inBatch = g.op('ReduceProd', [dims], { keepdims: int(0) })
    const numbers = g.op('Range', [g.scalar('int64', 0), batches, g.scalar('int64', 1)])
    const head = g.op('Slice', [g.op('Shape', [indices]), g.int64([0]), g.int64([batch])])
    const ones = g.int64(places.slice(batch).map(() => 1))
    const target = g.op('Concat', [head, ones], { axis: int(0) })
    index = g.op('Add', [index, g.op('Reshape', [g.op('Mul', [numbers, inBatch]), target])])
  }
  const first = batch + depth
  return { index, places, rows: times(...shape.slice(0, first)), width: times(...shape.slice(first)), first }
}

const gatherNd: Rule = linear((a, t) => {
  const out = firstOutput(a)
  const batch = attribute(a.node, 'batch_dims', 'int', 0)
  const { index, places, rows, width, first } = rowsOf(a, a.x[0]!, a.x[1]!, batch)
  const primalRows = asRows(a, a.x[0]!, first, width)
  const matrix = reshape(a.tape, t, [rows, width], primalRows)
  const like = a.g.op('Gather', [primalRows, index])
  const picked = gatherAlong(a.tape, matrix, 0, index, { shape: [...places, width], like })
  return reshape(a.tape, picked, out.shape, out.like)
})

/** A primal value as a matrix of rows of the given width, the axes from `first` on. */
function asRows(a: Application, value: string, first: number, width: Dim): string {
  const { g } = a
  if (typeof width === 'number') return g.op('Reshape', [value, g.int64([-1, width])])
  const sizes = g.op('Slice', [g.op('Shape', [value]), g.int64([first]), g.int64([shapeOf(a, value).length])])
  const whole = g.op('ReduceProd', [sizes], { keepdims: int(1) })
  return g.op('Reshape', [value, g.op('Concat', [g.int64([-1]), whole], { axis: int(0) })])
}

/** How a scatter reads and writes: on primal values, and on tangents. */
interface Places {
  /** Elements of a primal value of the data's shape at the places written to, in the shape of the updates. */
  at(value: string): string
  /** The operator on primal values. */
  write(base: string, updates: string, reduction: string): string
  /** Updates' tangents added up where they go. */
  addUp(t: Tangent): Tangent
}

/** Derivative of every kind of scatter from reading and writing at its places. */
function scatterRule(placesOf: (a: Application) => Places): Rule {
  return (a) => {
    const places = placesOf(a)
    const [td, , tu] = a.t
    const { of, at } = partials(a, attribute(a.node, 'reduction', 'string', 'none'), places)
    const terms: Term[] = []
    if (td) terms.push({ of: td, by: of() })
    if (tu) {
      const weighted = combine(a.tape, [{ of: tu, by: at() }], tu.shape, a.x[2])
      terms.push({ of: places.addUp(weighted), by: scalar(tu.type, 1) })
    }
    return [combine(a.tape, terms, shapeOf(a, a.y[0]!), a.y[0])]
  }
}

/** Derivatives of the result by the data (`of`) and by the updates (`at`), elementwise in their own places. */
function partials(a: Application, reduction: string, { at, write }: Places): { of: () => Factor; at: () => Factor } {
  const type = typeOf(a)
  const p = primal(a.g, type)
  const [data, , updates] = a.x as [string, string, string]
  const like = (value: string, fill: number): string =>
    a.g.op('Expand', [a.g.scalar(type, fill), a.g.op('Shape', [value])])
  const one = (): Factor => scalar(type, 1)
  if (reduction === 'add') return { of: one, at: one }
  if (reduction === 'none') {
    const untouched = (): string => write(like(data, 1), like(updates, 0), 'none')
    return { of: () => factorOf(a.g, untouched(), { masked: true }), at: one }
  }
  if (reduction === 'mul') {
    // A zero update leaves the product of the others, which is only not 0 if it is the only zero there.
    const isZero = p.test('Equal', updates, 0)
    const others = (): string => write(data, p.where(isZero, 1, updates), 'mul')
    const zeros = (): string => at(write(like(data, 0), p.mask(isZero), 'add'))
    const rest = (): string => {
      const product = at(others())
      const n = zeros()
      const lonely = p.where(p.test('Equal', n, 1), product, 0)
      return p.where(isZero, lonely, p.where(p.test('Equal', n, 0), p.div(product, p.where(isZero, 1, updates)), 0))
    }
    return {
      of: () => factorOf(a.g, write(like(data, 1), updates, 'mul')),
      at: () => factorOf(a.g, rest(), { masked: true }),
    }
  }
  // max and min: whoever attains the extreme shares its derivative equally.
  const y = a.y[0]!
  const fromData = p.mask(a.g.op('Equal', [data, y]))
  const fromUpdates = p.mask(a.g.op('Equal', [updates, at(y)]))
  const ties = write(fromData, fromUpdates, 'add')
  return {
    of: () => factorOf(a.g, p.div(fromData, p.where(p.test('Equal', ties, 0), 1, ties)), { masked: true }),
    at: () => factorOf(a.g, p.div(fromUpdates, at(ties)), { masked: true }),
  }
}

const scatterElementsRule: Rule = scatterRule((a) => {
  const [data, indices] = a.x as [string, string]
  const shape = shapeOf(a, data)
  const axis = axisOf(a, shape.length)
  return {
    at: (value) => a.g.op('GatherElements', [value, indices], { axis: int(axis) }),
    write: (base, updates, reduction) =>
      a.g.op('ScatterElements', [base, indices, updates], { axis: int(axis), reduction: text(reduction) }),
    addUp: (t) => scatterElements(a.tape, t, axis, indices, shape, data),
  }
})

const scatterNd: Rule = scatterRule((a) => {
  const [data, indices] = a.x as [string, string]
  const shape = shapeOf(a, data)
  return {
    at: (value) => a.g.op('GatherND', [value, indices]),
    write: (base, updates, reduction) => a.g.op('ScatterND', [base, indices, updates], { reduction: text(reduction) }),
    addUp(t) {
      const { index, places, rows, width, first } = rowsOf(a, data, indices, 0)
      const list = a.g.op('Reshape', [index, a.g.int64([-1])])
      const updates = asRows(a, a.x[2]!, places.length, width)
      const flat = reshape(a.tape, t, [times(...places), width], updates)
      const sum = scatterAlong(a.tape, flat, 0, list, [rows, width], asRows(a, data, first, width))
      return reshape(a.tape, sum, shape, data)
    },
  }
})

/** The tangents of the chosen elements. */
const topK: Rule = linear((a, t) => {
  const out = firstOutput(a)
  return gatherElements(a.tape, t, axisOf(a, out.shape.length, -1), a.y[1]!, out)
})

/** The tangents at the positions of the maxima, which the operator itself reports. */
const maxPool: Rule = linear((a, t) => {
  // The order that a model wants its indices in is not the one tangents are read in.
  const { storage_order: _order, ...attributes } = a.node.attributes
  const [, indices] = a.g.ops('MaxPool', [a.x[0]!], attributes, 2)
  return take(a.tape, t, indices!, firstOutput(a))
})

/** The first of the largest elements of each channel. */
const globalMaxPool: Rule = linear((a, t) => {
  const [batch, channels, ...spatial] = t.shape
  const flat = reshape(
    a.tape,
    t,
    [batch!, channels!, times(...spatial)],
    a.g.op('Reshape', [a.x[0]!, a.g.int64([0, 0, -1])]),
  )
  const rows = a.g.op('Reshape', [a.x[0]!, a.g.int64([0, 0, -1])])
  const first = a.g.op('ArgMax', [rows], { axis: int(-1), keepdims: int(1) })
  const out = { shape: [batch!, channels!, 1], like: first }
  return reshape(a.tape, gatherElements(a.tape, flat, 2, first, out), shapeOf(a, a.y[0]!), a.y[0])
})

/** The elements that are kept, by the positions the operator reports; lowering has made it report them. */
const unique: Rule = linear((a, t) => {
  const axis = attribute(a.node, 'axis', 'int', undefined)
  const index = a.y[1]!
  if (axis !== undefined) return gatherAlong(a.tape, t, positiveAxis(axis, t.shape.length), index, firstOutput(a))
  const list = a.g.op('Reshape', [a.x[0]!, a.g.int64([-1])])
  const flat = reshape(a.tape, t, [times(...t.shape)], list)
  return gatherAlong(a.tape, flat, 0, index, firstOutput(a))
})

export const indexingRules: RuleTable = {
  Gather: gather,
  GatherElements: gatherElementsRule,
  GatherND: gatherNd,
  ScatterElements: scatterElementsRule,
  ScatterND: scatterNd,
  TopK: topK,
  MaxPool: maxPool,
  GlobalMaxPool: globalMaxPool,
  Unique: unique,
}
