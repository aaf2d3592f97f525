// Reverse mode on whole models that PyTorch exported, against stored torch.func Jacobians.
import { describe, expect, it } from 'vitest'
import { vjp } from '../../src/index.ts'
import { openGraph, type Values } from '../run-graph.ts'
import { as, contract, fixtures, normwise, sum, TOLERANCE, units } from './fixture.ts'

const files = fixtures().map((f) => ({ ...f, title: `${f.name}.${f.exporter}` }))

describe.each(files)('vjp of $title', ({ model, exporter, batches }) => {
  const wrt = Object.keys(batches[0]!.x)
  const of = Object.keys(batches[0]!.y)

  it('equals torch.func.jacrev, at every batch size from one graph', async () => {
    const graph = await openGraph(vjp(model(), { wrt, of }))
    try {
      for (const batch of batches) {
        const out = await graph.run({ ...as('float32', batch.x), ...as('float32', batch.cotangents, '_cotangent') })
        for (const name of of) expect(normwise(out[name], batch.y[name]!), name).toBeLessThan(TOLERANCE)
        for (const name of wrt)
          expect(normwise(out[`${name}_cotangent`], batch.vjp[name]!), `${name}_cotangent`).toBeLessThan(TOLERANCE)
      }
    } finally {
      await graph.release()
    }
  })

  // One exporter is enough for the whole: the files of a model differ in their operators, not in their Jacobian.
  if (exporter !== 'dynamo') return
  it('gives every row of the Jacobian: all cotangents at once, times V, equal torch.func.jacfwd', async () => {
    for (const y of of) {
      const graph = await openGraph(vjp(model(), { wrt, of: [y] }))
      try {
        for (const batch of batches) {
          const directions: Values = { [`${y}_cotangent`]: units('float32', batch.y[y]!.shape) }
          const out = await graph.run({ ...as('float32', batch.x), ...directions })
          const parts = wrt.map((x) => contract(out[`${x}_cotangent`]!, batch.tangents[x]!, batch.jvp[y]!))
          expect(normwise(sum(parts), batch.jvp[y]!), y).toBeLessThan(TOLERANCE)
        }
      } finally {
        await graph.release()
      }
    }
  })
})
