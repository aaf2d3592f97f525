// Lowering: the same values in operators that have derivative rules.
import { describe, expect, it } from 'vitest'
import { lower } from '../src/lower/lower.ts'
import { otherLowerings, standardLowerings } from '../src/lower/table.ts'
import { buildCase, type Case, operatorCases } from './operators/cases.ts'
import { numbersOf, relativeError, runGraph } from './run-graph.ts'

const isLowered = ({ op, domain = '' }: Case): boolean =>
  Object.hasOwn(domain === '' ? standardLowerings : otherLowerings[domain]!, op)
/** These have rules for what models do most, or stay on constants. */
const sometimes = ['BatchNormalization', 'LayerNormalization', 'Einsum', 'OneHot', 'Dropout', 'Unique', 'Range']

describe('a lowered operator gives the values of the operator', () => {
  it.each(operatorCases.filter(isLowered).map((c) => [c.name, c] as const))('%s', async (_name, c) => {
    const { model, feeds, wrt, type } = buildCase(c)
    const lowered = lower('test', model, wrt)
    const left = lowered.graph.nodes.filter((node) => node.opType === c.op && node.domain === (c.domain ?? ''))
    if (!sometimes.includes(c.op)) expect(left).toEqual([])
    const [expected, got] = [await runGraph(model, feeds), await runGraph(lowered, feeds)]
    // A few dozen roundings in another order.
    for (const { name } of model.graph.outputs)
      expect(relativeError(numbersOf(got[name]), numbersOf(expected[name]))).toBeLessThan(
        type === 'float64' ? 1e-13 : 2e-6,
      )
  })
})
