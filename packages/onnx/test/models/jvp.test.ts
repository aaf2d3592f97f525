// Forward mode on whole models that PyTorch exported, against stored torch.func Jacobians.
import { describe, expect, it } from 'vitest'
import { jvp } from '../../src/index.ts'
import { openGraph, type Values } from '../run-graph.ts'
import { as, contract, fixtures, normwise, sum, TOLERANCE, units } from './fixture.ts'

const files = fixtures().map((f) => ({ ...f, title: `${f.name}.${f.exporter}` }))

describe.each(files)('jvp of $title', ({ model, exporter, batches }) => {
  const wrt = Object.keys(batches[0]!.x)
  const of = Object.keys(batches[0]!.y)

  it('equals torch.func.jacfwd, at every batch size from one graph', async () => {
    const graph = await openGraph(jvp(model(), { wrt, of }))
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

  // One exporter is enough for the whole: the files of a model differ in their operators, not in their Jacobian.
  if (exporter !== 'dynamo') return
  it('gives every column of the Jacobian: all directions at once, times U, equal torch.func.jacrev', async () => {
    for (const x of wrt) {
      const graph = await openGraph(jvp(model(), { wrt: [x], of }))
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
