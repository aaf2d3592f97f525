// Lowering: the same values in operators that have derivative rules.
import { describe, expect, it } from 'vitest'
import { lower } from '../src/lower/lower.ts'
import { otherLowerings, standardLowerings } from '../src/lower/table.ts'
import { buildCase, operatorCases } from './operators/cases.ts'
import { numbersOf, relativeError, runGraph } from './run-graph.ts'

const composite = new Set([...Object.keys(standardLowerings), ...Object.values(otherLowerings).flatMap(Object.keys)])

describe('a lowered operator gives the values of the operator', () => {
  it.each(operatorCases.filter((c) => composite.has(c.op)).map((c) => [c.name, c] as const))('%s', async (_name, c) => {
    const { model, feeds, wrt, type } = buildCase(c)
    const lowered = lower('test', model, wrt)
    // These two have rules for what models do most.
    if (!['BatchNormalization', 'LayerNormalization'].includes(c.op))
      expect(lowered.graph.nodes.filter((node) => node.opType === c.op)).toEqual([])
    const [expected, got] = [await runGraph(model, feeds), await runGraph(lowered, feeds)]
    // A few dozen roundings in another order.
    for (const { name } of model.graph.outputs)
      expect(relativeError(numbersOf(got[name]), numbersOf(expected[name]))).toBeLessThan(
        type === 'float64' ? 1e-13 : 2e-6,
      )
  })
})
