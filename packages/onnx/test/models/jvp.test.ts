// Forward mode on whole models that PyTorch exported, against stored torch.func Jacobians.
import { describe, expect, it } from 'vitest'
import { jvp } from '../../src/index.ts'
import { openGraph, type Values } from '../run-graph.ts'
import { as, contract, fixtures, normwise, sum, units } from './fixture.ts'

// Stored values are float64 (of the same float32 weights and inputs), errors are relative to the largest number of the
// tensor. Each of the 10 to 200 operators in sequence rounds by at most 6e-8 of the numbers it sees, mostly in random
// directions; normalizations and differences of close numbers amplify a few times. 4e-7 was typical, 2e-6 the worst
// seen, while a wrong rule anywhere changes the result in the first or second digit.
const TOLERANCE = 2e-5

/** Models with operators that have no rule yet. */
const MISSING =
  /audio.script|gru|lstm|rnn.script|unet.dynamo23|transformer.dynamo23|causal.dynamo23|spline|mixed-conv.script|transformer.script/
const files = fixtures()
  .map((f) => ({ ...f, title: `${f.name}.${f.exporter}` }))
  .filter((f) => !MISSING.test(f.title))

describe.each(files)('jvp of $title', (fixture) => {
  const { batches } = fixture
  const wrt = Object.keys(batches[0]!.x)
  const of = Object.keys(batches[0]!.y)

  it('equals torch.func.jacfwd, at every batch size from one graph', async () => {
    const graph = await openGraph(jvp(fixture.model(), { wrt, of }))
    try {
      for (const batch of batches) {
        const out = await graph.run({ ...as('float32', batch.x), ...as('float32', batch.tangents, '_tangent') })
        for (const name of of) {
          expect(normwise(out[name], batch.y[name]!), name).toBeLessThan(TOLERANCE)
          expect(normwise(out[`${name}_tangent`], batch.jvp[name]!), `${name}_tangent`).toBeLessThan(TOLERANCE)
        }
      }
    } finally {
      await graph.release()
    }
  })

  it('gives every column of the Jacobian: all directions at once, times U, equal torch.func.jacrev', async () => {
    for (const x of wrt) {
      const graph = await openGraph(jvp(fixture.model(), { wrt: [x], of }))
      try {
        for (const batch of batches) {
          const directions: Values = { [`${x}_tangent`]: units('float32', batch.x[x]!.shape) }
          const out = await graph.run({ ...as('float32', batch.x), ...directions })
          const parts = of.map((y) => contract(out[`${y}_tangent`]!, batch.cotangents[y]!, batch.vjp[x]!))
          expect(normwise(sum(parts), batch.vjp[x]!), x).toBeLessThan(TOLERANCE)
        }
      } finally {
        await graph.release()
      }
    }
  })
})
