// Writes tangents as ONNX nodes with a leading axis of directions.
import { mismatch, OodError } from '@ood/core'
import { int } from '../attributes.ts'
import type { GraphBuilder } from '../builder.ts'
import { toBind } from '../hints.ts'
import type { Dim } from '../types.ts'
import { type Factors, factors } from './factor.ts'
import { type Contribution, pullBack } from './pull.ts'
import type { SizeSource } from './sizes.ts'
import type { Emitter, Tangent, Written } from './tangent.ts'
import { branches, type Part, sumOfTerms } from './terms.ts'

/** A range of input directions. */
export interface Rows {
  readonly from: number
  readonly to: number
}

/** The directions tangents carry: their number at run time, or a known range for each. */
export type Directions =
  | { readonly kind: 'free'; readonly k: () => string }
  | { readonly kind: 'known'; readonly rows: (t: Tangent) => Rows }

/** Writes tangents one by one, operands before results. */
export interface Writer {
  /** Declares the value of a tangent that is not to be written. */
  give(t: Tangent, stacked: string): void
  has(t: Tangent): boolean
  write(t: Tangent): void
  /** Writes a sum from some of its terms and parts made elsewhere. */
  writeSum(t: Tangent, terms: readonly Contribution[], parts: readonly Part[]): string
  /** The terms of a tangent over those that are written; undefined when it is an operator of its own. */
  terms(t: Tangent): Contribution[] | undefined
  /** [K, ...shape] of a written tangent. */
  stacked(t: Tangent): string
  /** The same with zeros for the directions of a larger range that it lacks. */
  aligned(t: Tangent, rows: Rows): string
}

/**
 * A writer of tangents.
 *
 * @param stops - holds for the tangents that are written in full somewhere
 * @param named - where symbolic sizes of tangents without a primal value of their shape come from
 */
export function tangentWriter(
  g: GraphBuilder,
  stops: (t: Tangent) => boolean,
  directions: Directions,
  named: SizeSource = () => undefined,
): Writer {
  const algebra: Factors = factors(g)
  const values = new Map<Tangent, Written>()
  const other = new Map<Tangent, string>()
  /** What a reshaped value was before: a reshape to sizes of its own can start from there. */
  const before = new Map<string, string>()
  const reshaped = (value: string, target: string, attributes = {}): string => {
    const result = g.op('Reshape', [value, target], attributes)
    before.set(result, before.get(value) ?? value)
    return result
  }
  const origin = (value: string): string => before.get(value) ?? value

  function emitter(self: Tangent): Emitter {
    const rows = directions.kind === 'known' ? directions.rows(self) : undefined
    const k = (): string => (directions.kind === 'free' ? directions.k() : g.int64([rows!.to - rows!.from]))
    const e: Emitter = {
      g,
      stacked: (t) => e.aligned(stacked(t, e), t),
      folded(t) {
        const written = values.get(t)
        if (written && 'folded' in written) return written.folded
        const made = other.get(t) ?? reshaped(origin(stacked(t, e)), foldedSizes(t))
        other.set(t, made)
        return made
      },
      sizes(shape, like) {
        const numbers = staticSizes(shape)
        if (numbers && rows) return g.int64([rows.to - rows.from, ...numbers])
        const rest = numbers ? g.int64(numbers) : sizesOf(shape, like)
        return shape.length === 0 ? k() : g.op('Concat', [k(), rest], { axis: int(0) })
      },
      zeros: ({ shape, type, like }) => g.op('Expand', [g.scalar(type, 0), e.sizes(shape, like)]),
      view: (value, shape) => reshaped(origin(value), g.int64(shape)),
      reshape(value, shape, like, leadsWithK) {
        const open = shape.filter((dim) => typeof dim !== 'number').length
        const target = shape.map((dim) => (typeof dim === 'number' ? dim : -1))
        if (open > 1 || shape.includes(0)) {
          return reshaped(origin(value), e.sizes(shape, like), g.opset >= 14 ? { allowzero: int(1) } : {})
        }
        if (open === 0) return reshaped(origin(value), g.int64([-1, ...target]))
        if (leadsWithK) return reshaped(value, g.int64([0, ...target]))
        return reshaped(origin(value), g.op('Concat', [k(), g.int64(target)], { axis: int(0) }))
      },
      aligned: (value, operand) => (rows ? padRows(value, operand, rows) : value),
    }
    return e
  }

  /** A shape as an int64 list: that of a primal value, or else axis by axis. */
  function sizesOf(shape: readonly Dim[], like: string | undefined): string {
    if (like !== undefined) return g.op('Shape', [like])
    const sizes = shape.map((dim) => (typeof dim === 'number' ? g.int64([dim]) : named(dim)))
    if (!sizes.every((size) => size !== undefined))
      throw mismatch('E_UNSUPPORTED', 'derivative', toBind('sizes known before run time'), shape)
    return g.op('Concat', sizes, { axis: int(0) })
  }

  /** Target of the reshape [K, n, ...rest] -> [K * n, ...rest]. */
  function foldedSizes(t: Tangent): string {
    const rest = t.shape.slice(1)
    const numbers = staticSizes(rest)
    if (numbers && !numbers.includes(0)) return g.int64([-1, ...numbers])
    const tail = g.op('Slice', [sizesOf(t.shape, t.like), g.int64([1]), g.int64([rest.length + 1])])
    return g.op('Concat', [g.int64([-1]), tail], { axis: int(0) })
  }

  /** Puts zeros around the directions of an operand to make it carry the given ones. */
  function padRows(value: string, operand: Tangent, outer: Rows): string {
    if (directions.kind === 'free') return value
    const inner = directions.rows(operand)
    const [above, below] = [inner.from - outer.from, outer.to - inner.to]
    if (above === 0 && below === 0) return value
    const rest = new Array<number>(operand.shape.length).fill(0)
    return g.op('Pad', [value, g.int64([above, ...rest, below, ...rest])])
  }

  function stacked(t: Tangent, e: Emitter): string {
    const written = values.get(t)
    if (!written)
      throw new OodError('E_RUNTIME', 'derivative: expected operands to be written before results, got none')
    if ('stacked' in written) return written.stacked
    const made = other.get(t) ?? e.reshape(written.folded, t.shape, t.like, false)
    other.set(t, made)
    return made
  }

  const terms = (t: Tangent): Contribution[] | undefined => pullBack(t, (v) => v !== t && stops(v), algebra)

  function written(t: Tangent): Written {
    const { def } = t
    const e = emitter(t)
    if (def.kind === 'seed') return { stacked: def.input }
    if (def.kind === 'select' && def.yes && def.no && values.has(def.yes) && values.has(def.no))
      return { stacked: branches(e, t, def.condition, def.yes, def.no) }
    const list = terms(t)
    if (list) return { stacked: sumOfTerms(e, t, list, []) }
    if (def.kind !== 'apply')
      throw new OodError('E_RUNTIME', 'derivative: expected a linear operator, got a sum without terms')
    return def.op.emit(e, t, def.operands)
  }

  return {
    give: (t, value) => void values.set(t, { stacked: value }),
    has: (t) => values.has(t),
    write: (t) => void values.set(t, written(t)),
    writeSum: (t, list, parts) => sumOfTerms(emitter(t), t, list, parts),
    terms,
    stacked: (t) => stacked(t, emitter(t)),
    aligned: (t, rows) => padRows(stacked(t, emitter(t)), t, rows),
  }
}

function staticSizes(shape: readonly Dim[]): number[] | undefined {
  return shape.every((dim) => typeof dim === 'number') ? (shape as number[]) : undefined
}
