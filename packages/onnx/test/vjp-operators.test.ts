// Every differentiable operator in reverse mode: against forward mode and central differences, sizes known and not.
import { describe, expect, it } from 'vitest'
import { checkAdjoint, relaxed } from './adjoint.ts'
import { buildCase, operatorCases } from './operators/cases.ts'
import { elementwiseCases } from './operators/elementwise.cases.ts'
import { layerCases } from './operators/layer.cases.ts'
import { movementCases } from './operators/movement.cases.ts'
import { reductionCases } from './operators/reduction.cases.ts'

/**
 * Forward and reverse mode multiply the same factors in another order: a few dozen roundings of 1e-16 (float64) or 6e-8
 * (float32), and up to 1e-5 where a factor is singular close by.
 */
const ADJOINT = { float64: 1e-12, float32: 2e-5 }

describe('vjp of each operator equals jvp and central differences', () => {
  it.each(operatorCases.map((c) => [c.name, c] as const))('%s', async (_name, c) => {
    const { model, feeds, wrt, type, tolerance, step } = buildCase(c)
    const { forward, differences } = await checkAdjoint(model, feeds, { wrt, type, step })
    expect(forward).toBeLessThan(ADJOINT[type])
    expect(differences).toBeLessThan(tolerance)
  })
})

describe('vjp of each operator with every size known only at run time', () => {
  /** What needs a size to be differentiated at all, or, for one order of DepthToSpace, to be transposed. */
  const sized = ['DepthToSpace', 'Resize to sizes', 'GroupNormalization']
  const broadcasting = elementwiseCases.filter((c) => Object.keys(c.inputs).length > 1)
  const open = [...broadcasting, ...reductionCases, ...movementCases, ...layerCases].filter(
    (c) => !sized.some((name) => c.name.startsWith(name)),
  )
  it.each(open.map((c) => [c.name, c] as const))('%s', async (_name, c) => {
    const { model, feeds, wrt, type } = buildCase(c)
    const { forward } = await checkAdjoint(relaxed(model), feeds, { wrt, type })
    expect(forward).toBeLessThan(ADJOINT[type])
  })
})
