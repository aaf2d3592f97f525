// Derivatives of gradients: the graphs that vjp writes for each operator are differentiated again, in both modes.
import { describe, expect, it } from 'vitest'
import { vjp } from '../src/index.ts'
import { checkAdjoint } from './adjoint.ts'
import { buildCase } from './operators/cases.ts'
import { layerCases } from './operators/layer.cases.ts'
import { movementCases } from './operators/movement.cases.ts'
import { gaussian, runGraph, type Values } from './run-graph.ts'

/**
 * vjp of vjp against jvp of vjp: rounding of the type times the length of the sums. Against central differences of the
 * gradient: steps of 1e-5 in float64 err by 1e-10, steps of 1e-2 in float32 by 1e-3, times third derivatives of order 10.
 */
const ADJOINT = { float64: 1e-12, float32: 5e-5 }
const DIFFERENCES = { float64: 1e-8, float32: 1e-2 }

describe('the gradient of each operator can be differentiated by its inputs and its cotangents', () => {
  it.each([...layerCases, ...movementCases].map((c) => [c.name, c] as const))('%s', async (_name, c) => {
    const { model, feeds, wrt, type, step } = buildCase(c)
    const gradient = vjp(model, { wrt })
    const cotangents = gradient.graph.outputs.filter((port) => port.name.endsWith('_cotangent'))
    const only = { ...gradient, graph: { ...gradient.graph, outputs: cotangents } }
    const at: Values = { ...feeds }
    for (const [name, y] of Object.entries(await runGraph(model, feeds)))
      at[`${name}_cotangent`] = gaussian(type, [2, ...y.shape], 31)
    const { forward, differences } = await checkAdjoint(only, at, {
      wrt: Object.keys(at),
      type,
      step,
      suffix: '_again',
    })
    expect(forward).toBeLessThan(ADJOINT[type])
    expect(differences).toBeLessThan(DIFFERENCES[type])
  })
})
