// Jacobian-based LID on the flows of Kirichenko et al.: threshold counts and fast LIDL from the tridiagonal metric.
import { fileURLToPath } from 'node:url'
import { centralDifferences, flatData, jacobian, normals, random, sliceRows, tensor } from '@ood/core'
import { fastFlowLidl, lidCurve, thresholdLid } from '@ood/lid'
import { gram, symmetricEigenvalues } from '@ood/linalg'
import { openFlow } from '@ood/models-flow'
import { describe, expect, it } from 'vitest'

describe.each(['tiny-realnvp', 'tiny-glow', 'tiny-cycle'])('LID of %s', (name) => {
  it('is the number of singular values above the scale, of a Jacobian made direction by direction', async () => {
    const flow = await openFlow(fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url)), { workers: 0 })
    try {
      const bytes = Float32Array.from(normals(random(3), 2 * 64), (v) =>
        Math.min(255, Math.max(0, Math.round(128 + 60 * v))),
      )
      const x = tensor(bytes, [2, 1, 8, 8])
      const scales = Float64Array.from({ length: 21 }, (_, i) => -2 + i * 0.2)
      const threshold = thresholdLid(flow)
      const curve = lidCurve(threshold, await threshold.prepare(x, { seed: 1 }), scales)
      const z = await flow.encode(x, { seed: 1 })
      const { inputShape, outputShape, evaluate, jvp } = flow.decoder
      for (const row of [0, 1]) {
        const J = await jacobian({ inputShape, outputShape, evaluate, jvp }, sliceRows(z, row, row + 1))
        const eigenvalues = symmetricEigenvalues(gram(Float64Array.from(flatData(J)), 64, 64), 64)
        for (const [k, scale] of scales.entries()) {
          const cut = Math.exp(2 * scale)
          // An eigenvalue within float32 rounding of the cut may fall on either side.
          const [low, high] = [1 + 1e-4, 1 - 1e-4].map((f) => eigenvalues.filter((value) => value > cut * f).length)
          expect(curve.get(row, k)).toBeGreaterThanOrEqual(low!)
          expect(curve.get(row, k)).toBeLessThanOrEqual(high!)
        }
      }
      // By differences, asked for by name: the same counts but for singular values near the scale.
      const slow = thresholdLid({ ...flow, decoder: centralDifferences(flow.decoder) })
      const differences = lidCurve(slow, await slow.prepare(x, { seed: 1 }), scales)
      let apart = 0
      flatData(differences).forEach((lid, i) => {
        apart = Math.max(apart, Math.abs(lid - flatData(curve)[i]!))
      })
      expect(apart).toBeLessThanOrEqual(2)
      const fast = fastFlowLidl(flow)
      const lidl = lidCurve(fast, await fast.prepare(x, { seed: 1 }), Float64Array.of(-8, 8))
      // No noise leaves D dimensions, much noise none.
      for (const row of [0, 1]) {
        expect(Math.abs(lidl.get(row, 0) - 64)).toBeLessThan(1)
        expect(Math.abs(lidl.get(row, 1))).toBeLessThan(1)
      }
    } finally {
      await flow.release()
    }
  })
})
