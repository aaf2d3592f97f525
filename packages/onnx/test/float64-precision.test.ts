// No operator of a float64 model is computed in float32 inside: second differences at steps far below float32's spacing.
import { normals, OodError, random } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { type Model, toFloat64 } from '../src/index.ts'
import { buildCase, operatorCases } from './operators/cases.ts'
import { floats, numbersOf, openGraph, type Values } from './run-graph.ts'

/** Operators without a float64 form, which say so. */
const refused = ['DequantizeLinear by its scale']
/** Equal elements compete for an extreme: a kink right where the differences are taken. */
const kinks = ['ScatterElements min', 'ScatterND slices max', 'ScatterND slices min']

const STEP = 1e-7

describe('toFloat64 of each operator computes in double precision', () => {
  const cases = operatorCases.filter((c) => !kinks.includes(c.name)).map((c) => [c.name, c] as const)
  it.each(cases)('%s', async (name, c) => {
    const { model: given, feeds: at, wrt } = buildCase(c)
    let model: Model
    try {
      model = toFloat64(given)
    } catch (error) {
      expect([name, error instanceof OodError && error.code]).toEqual([
        refused.find((n) => n === name),
        'E_UNSUPPORTED',
      ])
      return
    }
    const types = new Map(model.graph.inputs.map((input) => [input.name, input.type]))
    const graph = await openGraph(model)
    try {
      const moved = (h: number): Values => {
        const feeds: Values = {}
        for (const [port, value] of Object.entries(at)) {
          const numbers = Array.from(value.data as ArrayLike<number | bigint>, Number)
          const direction = normals(random(3 + wrt.indexOf(port)), numbers.length)
          const sum = numbers.map((v, i) => (wrt.includes(port) ? v + h * direction[i]! : v))
          feeds[port] = types.get(port) === 'float64' ? floats('float64', value.shape, sum) : value
        }
        return feeds
      }
      const [below, here, above] = [
        await graph.run(moved(-STEP)),
        await graph.run(moved(0)),
        await graph.run(moved(STEP)),
      ]
      for (const [port, value] of Object.entries(here)) {
        if (!(value.data instanceof Float64Array)) continue
        const [x, y, z] = [below, here, above].map((values) => numbersOf(values[port])) as [
          number[],
          number[],
          number[],
        ]
        const scale = Math.max(1e-3, ...y.map(Math.abs))
        // f'' h^2 is 1e-14 and rounding 1e-16; float32 inside would give its spacing, 6e-8.
        for (const [i, v] of y.entries()) expect(Math.abs(x[i]! - 2 * v + z[i]!) / scale).toBeLessThan(1e-12)
      }
    } finally {
      await graph.release()
    }
  })
})
