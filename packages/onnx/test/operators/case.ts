// One operator as it is tested in both modes of differentiation: a small graph, inputs in its domain, tolerances.
import { type Attribute, constantTensor, type GraphBuilder, graphBuilder, type Model } from '../../src/index.ts'
import { type FloatType, floats, gaussian, type Values } from '../run-graph.ts'

export type Shapes = Record<string, readonly number[]>

/** A graph around one operator. Every input in `inputs` is differentiated by. */
export interface Case {
  name: string
  op: string
  /** Of the operator; '' if left out. */
  domain?: string
  inputs: Shapes
  build: (g: GraphBuilder, x: string[], type: FloatType) => string | string[]
  /** float64 wherever the engine has float64 kernels (default), else float32. */
  type?: FloatType
  /** Moves standard normals into the operator's domain, away from its kinks. */
  map?: (v: number, i: number) => number
  opset?: number
  /** The sizes must be known before run time (steps that are unrolled ...). */
  fixed?: boolean
  /** Largest error relative to the largest derivative; by default that of central differences in the type. */
  tolerance?: number
  /** Step of the differences, where the default does not suit. */
  step?: number
}

/**
 * float64 central differences with h = 1e-5 are good to about 1e-9 here (third derivatives of order 10); float32 ones
 * with h = 1e-2 to about 1e-3.
 */
export const TOLERANCE: Record<FloatType, number> = { float64: 1e-7, float32: 2e-3 }

/** A case ready to run. */
export interface Built {
  model: Model
  feeds: Values
  wrt: string[]
  type: FloatType
  tolerance: number
  step: number | undefined
}

/** The graph and inputs of a case. The first axis is symbolic in half of them, so that both ways of sizing are met. */
export function buildCase(c: Case): Built {
  const type = c.type ?? 'float64'
  const g = graphBuilder(c.opset ? { opset: c.opset } : {})
  const feeds: Values = {}
  const wrt = Object.entries(c.inputs).map(([name, shape], i) => {
    const raw = gaussian(type, shape, 11 + i)
    feeds[name] = floats(type, shape, Array.from(raw.data as ArrayLike<number>, c.map ?? ((v) => v)))
    const symbolic = !c.fixed && c.name.length % 2 === 0 && Object.keys(c.inputs).length === 1 && shape.length > 1
    return g.input(name, type, symbolic ? ['N', ...shape.slice(1)] : shape)
  })
  const outputs = [c.build(g, wrt, type)].flat()
  outputs.forEach((value, i) => {
    // Nothing is inferred of operators of other domains.
    const info = g.info(value)
    g.output(`y${i}`, value, info.type === 'other' ? { type, shape: undefined } : { ...info })
  })
  const model = g.model()
  const opsets = c.domain ? { ...model.opsets, [c.domain]: 1 } : model.opsets
  const tolerance = c.tolerance ?? TOLERANCE[type]
  return { model: { ...model, opsets }, feeds, wrt, type, tolerance, step: c.step }
}

export const positive = (v: number): number => 0.5 + Math.abs(v)
export const awayFromZero = (v: number): number => v + Math.sign(v) * 0.1
/** Distinct numbers 0.05 apart, so that no step changes which is largest. */
export const spread = (_v: number, i: number): number => ((i * 97) % 241) / 20
/** Within (-0.9, 0.9). */
export const inUnit = (v: number): number => 0.9 * Math.tanh(v)
export const X: Shapes = { x: [2, 3, 4] }

/** One operator applied to all inputs. */
export const one =
  (op: string, attributes: Record<string, Attribute> = {}): Case['build'] =>
  (g, x) =>
    g.op(op, x, attributes)

/** A case of one operator and one input. */
export const unary = (op: string, rest: Partial<Case> = {}, attributes: Record<string, Attribute> = {}): Case => ({
  name: [op, ...Object.keys(attributes)].join(' '),
  op,
  inputs: X,
  build: one(op, attributes),
  ...rest,
})

/** Seeded float32 weights of a shape. */
export const weights = (g: GraphBuilder, name: string, shape: readonly number[], seed = 5): string =>
  g.constant(name, constantTensor('float32', shape, gaussian('float32', shape, seed).data as Float32Array))
