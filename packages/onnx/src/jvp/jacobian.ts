// The whole Jacobian at one point as a graph: an ONNX model in, the same model with Jacobians beside its outputs out.

import { mismatch } from '@ood/core'
import { atModel } from '../at-node.ts'
import { int } from '../attributes.ts'
import { type GraphBuilder, graphBuilder } from '../builder.ts'
import { toBind } from '../hints.ts'
import { lower } from '../lower/lower.ts'
import { elementNumber } from '../proto.ts'
import { count } from '../tensors.ts'
import type { Model } from '../types.ts'
import { halfwaySums, type Region, regions } from './bottleneck.ts'
import { checkNames, floatingOutputs, linearize, type QuantizationOptions, rankedShape } from './linearize.ts'
import { tangentsToWrite } from './plan.ts'
import type { Contribution } from './pull.ts'
import { operandsOf, type Tangent } from './tangent.ts'
import type { Part } from './terms.ts'
import { type Rows, tangentWriter, type Writer } from './writer.ts'

/** Options of `jacobian`. */
export interface JacobianOptions extends QuantizationOptions {
  /** The value to differentiate by: an input, or any inner value. */
  wrt: string
  /** Values to differentiate; every floating-point output by default. */
  of?: readonly string[] | undefined
}

/**
 * The whole Jacobian of a model at one point.
 *
 * The result has the inputs of `model` with every symbolic axis (the batch) fixed to 1, and the outputs `<y>` and
 * `<y>_jacobian` [D, ...y.shape] for each `of`, D the numbers in `wrt`: row k is the derivative along number k. That is
 * `jvp` fed with unit vectors, but cheaper in three ways: directions that are structurally zero are left out (a layer
 * that sees a quarter of the variables carries a quarter of the directions), linear operators on unit vectors are
 * computed when the model is loaded, and a part that depends on few numbers is differentiated by those and multiplied
 * in (Griewank & Walther, Evaluating Derivatives, chapter 10: elimination in an order other than forward).
 *
 * @param model - operator set 7 or newer; all sizes but symbolic axes of the inputs known
 * @throws OodError as `jvp`
 * @example
 * const decode = jacobian(readModel(bytes), { wrt: 'z' })
 * // input z [1, 784]; outputs x [1, 1, 28, 28], x_jacobian [784, 1, 1, 28, 28]
 */
export function jacobian(model: Model, options: JacobianOptions): Model {
  return atModel('jacobian', () => writeJacobianOf(model, options))
}

function writeJacobianOf(model: Model, options: JacobianOptions): Model {
  const bound = lower('jacobian', atOnePoint(model), [options.wrt], options.of, options)
  const g = graphBuilder({ from: bound })
  const of = options.of ?? floatingOutputs(bound, g)
  checkNames('jacobian wrt', [options.wrt], g, model)
  checkNames('jacobian of', of, g, model)

  const shape = rankedShape('jacobian wrt', g, options.wrt)
  if (!shape.every((n) => typeof n === 'number'))
    throw mismatch('E_UNSUPPORTED', `jacobian wrt ${options.wrt}`, toBind('known sizes'), [...shape])
  const { type } = g.info(options.wrt)
  const tangents = linearize(bound, g, [options.wrt], of, (name, tape) => tape.seed('', shape, type, name), options)
  const seed = tangents.get(options.wrt)!
  const wanted = of.flatMap((name) => tangents.get(name) ?? [])
  const write = writeJacobian(g, seed, tangentsToWrite([seed, ...wanted]), new Set(wanted))

  const d = count(shape as number[])
  for (const name of of) {
    const info = g.info(name)
    g.output(name, name)
    const tangent = tangents.get(name)
    const zeros = (): string =>
      g.op('Expand', [g.scalar(info.type, 0), g.int64([d, ...((info.shape ?? []) as number[])])])
    g.output(`${name}_jacobian`, tangent ? write(tangent) : zeros(), {
      type: info.type,
      shape: info.shape && [d, ...info.shape],
    })
  }
  return g.model()
}

/** The model with every symbolic axis of its inputs set to 1. Recorded shapes go: they speak of the symbolic ones. */
function atOnePoint(model: Model): Model {
  const { graph } = model
  const inputs = graph.inputs.map(({ name, type, shape }) => {
    return { name, type, shape: shape?.map((dim) => (typeof dim === 'string' ? 1 : dim)) }
  })
  return { ...model, graph: { ...graph, inputs, outputs: graph.outputs, valueInfo: new Map() } }
}

/** Writes all tangents, regions by their own Jacobians; returns the value [D, ...shape] of an output. */
function writeJacobian(
  g: GraphBuilder,
  seed: Tangent,
  planned: readonly Tangent[],
  outputs: ReadonlySet<Tangent>,
): (t: Tangent) => string {
  const units = unitRows(seed, planned)
  const given = (t: Tangent): boolean => units.has(t)
  const rows = liveRows(planned, units)
  const chosen = regions(planned, given, outputs, rows)
  const regionOf = new Map(chosen.flatMap((region) => [...region.inside].map((t) => [t, region] as const)))
  const skipped = halfwaySums(planned, given, outputs, regionOf)
  const list = planned.filter((t) => !skipped.has(t))
  const writing = new Set(list)
  const stops = (t: Tangent): boolean => writing.has(t)
  const root = tangentWriter(g, stops, { kind: 'known', rows })
  const writers = new Map<Region, Writer>()
  for (const region of chosen) {
    const d = count(region.entry.shape as number[])
    const writer = tangentWriter(g, stops, { kind: 'known', rows: () => ({ from: 0, to: d }) })
    writer.give(region.entry, unitVectors(g, region.entry))
    writers.set(region, writer)
  }

  /** Tangents times a region's Jacobian [d, ...shape]: [rows, ...shape]. */
  const through = (region: Region, jacobian: string, result: Tangent): Part => {
    const { entry } = region
    const [d, n] = [count(entry.shape as number[]), count(result.shape as number[])]
    const left = g.op('Reshape', [root.stacked(entry), g.int64([-1, d])])
    const product = g.op('MatMul', [left, g.op('Reshape', [jacobian, g.int64([d, n])])])
    return { value: g.op('Reshape', [product, g.int64([-1, ...(result.shape as number[])])]), directions: entry }
  }
  /** A tangent from inside a region, in the directions that reach the region. */
  const bringOut = (t: Tangent): void => {
    const region = regionOf.get(t)
    if (region && !root.has(t)) root.give(t, through(region, writers.get(region)!.stacked(t), t).value)
  }
  const writeSum = (t: Tangent, terms: readonly Contribution[]): void => {
    const parts = chosen.flatMap((region) => {
      const mine = terms.filter((term) => regionOf.get(term.of) === region)
      return mine.length > 0 ? [through(region, writers.get(region)!.writeSum(t, mine, []), t)] : []
    })
    const others = terms.filter((term) => !regionOf.has(term.of))
    root.give(t, root.writeSum(t, others, parts))
  }

  for (const t of list) {
    const region = regionOf.get(t)
    if (region) writers.get(region)!.write(t)
    else if (units.has(t)) root.give(t, unitVectors(g, t))
    else {
      const terms = root.terms(t)
      if (terms?.some((term) => regionOf.has(term.of))) writeSum(t, terms)
      else {
        if (!terms) for (const operand of operandsOf(t)) bringOut(operand)
        root.write(t)
      }
    }
  }
  return (t) => {
    bringOut(t)
    return root.aligned(t, { from: 0, to: count(seed.shape as number[]) })
  }
}

/** The seed and the slices of it whose numbers lie side by side: their tangents are unit vectors. */
function unitRows(seed: Tangent, list: readonly Tangent[]): Map<Tangent, Rows> {
  const units = new Map<Tangent, Rows>([[seed, { from: 0, to: count(seed.shape as number[]) }]])
  for (const t of list) {
    if (t.def.kind !== 'apply' || t.def.operands[0] !== seed || !t.def.op.slice) continue
    const { axis, start, length } = t.def.op.slice
    const inner = count(seed.shape.slice(axis + 1) as number[])
    if (seed.shape.slice(0, axis).every((n) => n === 1))
      units.set(t, { from: start * inner, to: (start + length) * inner })
  }
  return units
}

/** The directions each tangent may be nonzero in: the hull of its operands'. */
function liveRows(list: readonly Tangent[], units: ReadonlyMap<Tangent, Rows>): (t: Tangent) => Rows {
  const rows = new Map<Tangent, Rows>(units)
  /** Operands before results, on a stack of its own: chains of tangents are as long as the network is deep. */
  const find = (wanted: Tangent): Rows => {
    const stack = [wanted]
    for (let t = stack.at(-1); t; t = stack.at(-1)) {
      const operands = operandsOf(t)
      const open = rows.has(t) ? undefined : operands.find((operand) => !rows.has(operand))
      if (open) {
        stack.push(open)
        continue
      }
      stack.pop()
      if (rows.has(t)) continue
      const hull = { from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY }
      for (const operand of operands) {
        const { from, to } = rows.get(operand)!
        hull.from = Math.min(hull.from, from)
        hull.to = Math.max(hull.to, to)
      }
      rows.set(t, hull)
    }
    return rows.get(wanted)!
  }
  for (const t of list) find(t)
  return find
}

/** Unit vectors [d, ...shape]; a constant once the model is loaded. */
function unitVectors(g: GraphBuilder, t: Tangent): string {
  const d = count(t.shape as number[])
  const square = g.op('ConstantOfShape', [g.int64([d, d])])
  const eye = g.op('EyeLike', [square], { dtype: int(elementNumber(t.type)) })
  return g.op('Reshape', [eye, g.int64([d, ...(t.shape as number[])])])
}
