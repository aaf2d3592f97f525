// Whole Jacobians of operators, in both modes, against the ones PyTorch gave: at ordinary points and at kinks.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Attribute, float, graphBuilder, int, ints, jvp, type Model, tensorOf, text, vjp } from '../src/index.ts'
import { floats, numbersOf, runGraph, type Values } from './run-graph.ts'

type Numbers = readonly (number | string)[]
interface Stored {
  name: string
  op: string
  opset: number
  output: number
  kink: boolean
  attributes: Record<string, number | string | number[]>
  layout: number[]
  inputs: { shape: number[]; data: Numbers }[]
  fixed: { at: number; type: string; shape: number[]; data: Numbers }[]
  y: { shape: number[]; data: Numbers }
  jacobians: Numbers[]
}

// Made by operators/torch_oracle.py.
const stored = JSON.parse(readFileSync(new URL('./operators/torch-oracle.json', import.meta.url), 'utf8')) as Stored[]

const numbers = (data: Numbers): number[] =>
  data.map((v) => (v === 'inf' ? Infinity : v === '-inf' ? -Infinity : Number(v)))
const size = (shape: readonly number[]): number => shape.reduce((p, n) => p * n, 1)
const realNumbers = 'alpha beta bias lambd epsilon scale'.split(' ')

function attributeOf(name: string, value: number | string | number[]): Attribute {
  if (typeof value === 'string') return text(value)
  if (Array.isArray(value)) return ints(value)
  return realNumbers.includes(name) ? float(value) : int(value)
}

/** The stored operator as a model of float32, all shapes fixed. */
function modelOf(c: Stored): { model: Model; feeds: Values; wrt: string[] } {
  const g = graphBuilder({ opset: c.opset })
  const feeds: Values = {}
  const operands: string[] = []
  const wrt = c.inputs.map((input, i) => {
    const name = `x${i}`
    feeds[name] = floats('float32', input.shape, numbers(input.data))
    operands[c.layout[i]!] = g.input(name, 'float32', input.shape)
    return name
  })
  for (const f of c.fixed) {
    const type = f.type === 'int64' ? 'int64' : 'float32'
    operands[f.at] = g.constant(`c${f.at}`, tensorOf(type, f.shape, numbers(f.data)))
  }
  const attributes = Object.fromEntries(Object.entries(c.attributes).map(([k, v]) => [k, attributeOf(k, v)]))
  const filled = Array.from(operands, (name) => name ?? '')
  g.output('y', g.ops(c.op, filled, attributes, c.op === 'LSTM' ? 3 : 1)[c.output]!, {
    type: 'float32',
    shape: c.y.shape,
  })
  return { model: g.model(), feeds, wrt }
}

const units = (n: number, shape: readonly number[]): Values[string] =>
  floats(
    'float32',
    [n, ...shape],
    Array.from({ length: n * n }, (_, i) => Number(i % (n + 1) === 0)),
  )

/** Largest difference, relative to the largest finite number expected (at least 1); infinities must agree. */
function difference(got: readonly number[], expected: readonly number[]): number {
  if (got.length !== expected.length) return Number.NaN
  const scale = expected.reduce((max, v) => (Number.isFinite(v) ? Math.max(max, Math.abs(v)) : max), 1)
  let worst = 0
  for (const [i, v] of expected.entries()) {
    const error = got[i] === v ? 0 : Math.abs(got[i]! - v) / scale
    if (!(error <= worst)) worst = error
  }
  return worst
}

// float32 against rounded float64: a few roundings for single operators, some hundred in layers.
const TOLERANCE = 1e-5

describe('Jacobians equal those of PyTorch', () => {
  it.each(stored.map((c) => [c.name, c] as const))('%s', async (_name, c) => {
    const { model, feeds, wrt } = modelOf(c)
    const outputs = size(c.y.shape)
    // Reverse mode: a row of the Jacobian for each number of the result.
    const back = await runGraph(vjp(model, { wrt }), { ...feeds, y_cotangent: units(outputs, c.y.shape) })
    expect(difference(numbersOf(back.y), numbers(c.y.data))).toBeLessThan(TOLERANCE)
    for (const [i, name] of wrt.entries()) {
      const expected = numbers(c.jacobians[i]!)
      expect(difference(numbersOf(back[`${name}_cotangent`]), expected)).toBeLessThan(TOLERANCE)
      // Forward mode: a column for each number of the input.
      const n = size(c.inputs[i]!.shape)
      const tangent = { [`${name}_tangent`]: units(n, c.inputs[i]!.shape) }
      const ahead = numbersOf((await runGraph(jvp(model, { wrt: [name] }), { ...feeds, ...tangent })).y_tangent)
      const rows = Array.from({ length: outputs }, (_, row) =>
        Array.from({ length: n }, (_, k) => ahead[k * outputs + row]!),
      )
      expect(difference(rows.flat(), expected)).toBeLessThan(TOLERANCE)
    }
  })
})
