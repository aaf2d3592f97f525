// Whole models in double precision: both modes against stored torch.func Jacobians.
import { describe, expect, it } from 'vitest'
import { jvp, toFloat64, vjp } from '../../src/index.ts'
import { openGraph } from '../run-graph.ts'
import { as, fixtures, normwise } from './fixture.ts'

/**
 * Files in which the exporter kept every weight: values and derivatives are those of float64 arithmetic, some hundred
 * roundings of 1e-16, amplified up to a thousand times.
 */
const EXACT = 1e-11
/**
 * The other files hold float32 results of constants that PyTorch's float64 reference has exactly: batch norms folded into
 * convolutions, scales such as 1/sqrt(2) and epsilons. Each is off by 6e-8 of itself.
 */
const ROUNDED = 4e-7
const rounded =
  /^(resnet18|unet|spline-flow|causal|mixed-conv)\.|^(audio|mlp|transformer)\.script|^(transformer|vae-decoder)\.dynamo$/

const files = fixtures().map((f) => ({ ...f, title: `${f.name}.${f.exporter}` }))

describe.each(files)('in float64, $title', ({ title, model, batches }) => {
  const wrt = Object.keys(batches[0]!.x)
  const of = Object.keys(batches[0]!.y)
  const tolerance = rounded.test(title) ? ROUNDED : EXACT

  it(`has the Jacobian products of torch.func to ${tolerance}`, async () => {
    const exact = toFloat64(model())
    const forward = await openGraph(jvp(exact, { wrt, of }))
    const reverse = await openGraph(vjp(exact, { wrt, of }))
    try {
      for (const batch of batches) {
        const x = as('float64', batch.x)
        const tangents = await forward.run({ ...x, ...as('float64', batch.tangents, '_tangent') })
        const cotangents = await reverse.run({ ...x, ...as('float64', batch.cotangents, '_cotangent') })
        for (const name of of) {
          expect(normwise(tangents[name], batch.y[name]!), name).toBeLessThan(tolerance)
          expect(normwise(tangents[`${name}_tangent`], batch.jvp[name]!), `${name}_tangent`).toBeLessThan(tolerance)
        }
        for (const name of wrt)
          expect(normwise(cotangents[`${name}_cotangent`], batch.vjp[name]!), `${name}_cotangent`).toBeLessThan(
            tolerance,
          )
      }
    } finally {
      await forward.release()
      await reverse.release()
    }
  })
})
