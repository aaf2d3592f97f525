// Every differentiable operator against central differences, in float64 wherever the engine has float64 kernels.
import { describe, expect, it } from 'vitest'
import { differentiableOperators } from '../src/index.ts'
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
  const constant =
    'ArgMax ArgMin And Bernoulli Ceil ConstantOfShape Equal EyeLike Floor Greater GreaterOrEqual IsInf IsNaN Less ' +
    'LessOrEqual Not Or RandomNormalLike RandomUniformLike Round Shape Sign Size Xor'
  // Newer than the operator sets whose kernels the engine's float tests cover here.
  const elsewhere = ['RMSNormalization', 'Swish']
  const tested = new Set([...operatorCases.map((c) => c.op), ...constant.split(' '), ...elsewhere])
  expect(differentiableOperators.filter((op) => !tested.has(op))).toEqual([])
})
