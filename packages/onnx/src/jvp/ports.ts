// The inputs and outputs a differentiated model gets: names, axes and the number of directions.
import { mismatch } from '@ood/core'
import { int } from '../attributes.ts'
import type { GraphBuilder } from '../builder.ts'
import type { Dim, Model } from '../types.ts'

/**
 * Name of the leading axis of tangents or cotangents. A model that already has one of that name (a derivative
 * differentiated again) gets another, because axes of one name are taken to be equal.
 */
export function directionAxis(what: string, model: Model, asked: string | undefined): string {
  const taken = new Set(model.graph.inputs.flatMap(({ shape }) => (shape ?? []).map(String)))
  if (asked !== undefined) {
    if (taken.has(asked)) throw mismatch('E_ARGUMENT', what, 'the name of no axis of the model', asked)
    return asked
  }
  for (let serial = 1; ; serial++) {
    const name = serial === 1 ? 'K' : `K${serial}`
    if (!taken.has(name)) return name
  }
}

/** Refuses a suffix whose names the model already uses, which is so when a derivative is differentiated again. */
export function checkSuffix(what: string, suffix: string, names: readonly string[], g: GraphBuilder): void {
  for (const name of names) {
    const { type, shape } = g.info(name + suffix)
    if (type !== 'other' || shape !== undefined)
      throw mismatch(
        'E_ARGUMENT',
        `${what} suffix`,
        'one that makes names not yet used',
        `${suffix} (${name + suffix})`,
      )
  }
}

/** K as an int64 list of length 1, read off an input [K, ...]. */
export function directionCount(g: GraphBuilder, seed: string): string {
  if (g.opset >= 15) return g.op('Shape', [seed], { start: int(0), end: int(1) })
  return g.op('Gather', [g.op('Shape', [seed]), g.int64([0])])
}

/** Axes whose size has no name of its own get one, so that the declared shape can be written. */
export function named(shape: readonly Dim[], value: string): Dim[] {
  return shape.map((dim, i) => (typeof dim === 'string' && /[?#(]/.test(dim) ? `${value}_${i}` : dim))
}

/** The tangent or cotangent of a value nothing reaches: zeros [K, ...shape]. */
export function noDerivative(g: GraphBuilder, name: string, k: string): string {
  const sizes = g.op('Concat', [k, g.op('Shape', [name])], { axis: int(0) })
  return g.op('Expand', [g.scalar(g.info(name).type, 0), sizes])
}
