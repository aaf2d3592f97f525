// Every differentiable operator against central differences, in float64 wherever the engine has float64 kernels.
import { describe, expect, it } from 'vitest'
import { differentiableOperators } from '../src/index.ts'
import { coverage } from '../src/lower/coverage.ts'
import { checkJvp } from './finite-difference.ts'
import { buildCase, operatorCases } from './operators/cases.ts'

describe('jvp of each operator equals central differences', () => {
  it.each(operatorCases.map((c) => [c.name, c] as const))('%s', async (_name, c) => {
    const { model, feeds, wrt, type, tolerance, step } = buildCase(c)
    const { error } = await checkJvp(model, feeds, { wrt, type, ...(step !== undefined && { step }) })
    expect(error).toBeLessThan(tolerance)
  })
})

it('tests every operator that has a rule and a derivative', () => {
  const tested = new Set(operatorCases.map((c) => (c.domain ? `${c.domain}.${c.op}` : c.op)))
  const passes = ['If', 'Loop', 'Scan', 'Upsample', 'Scatter', 'Swish', 'SwiGLU', 'DynamicQuantizeLinear']
  const wanted = Object.entries(coverage).filter(([name, { how }]) => {
    return (how === 'rule' || how === 'lowering') && !passes.includes(name)
  })
  expect(wanted.map(([name]) => name).filter((name) => !tested.has(name))).toEqual([])
  expect(differentiableOperators.every((name) => Object.hasOwn(coverage, name))).toBe(true)
})
