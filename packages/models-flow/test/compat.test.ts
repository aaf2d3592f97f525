// The published log-likelihood of flows, against the golden RealNVP and preprocessing of the reference code.
import { rmSync } from 'node:fs'
import { normals, random, tensor } from '@ood/core'
import { preprocessing } from '@ood/datasets'
import { openFlow } from '@ood/models-flow'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'
import { linear, linearFlow } from './linear-flow.ts'

const identity = (d: number) =>
  linear(
    Array.from({ length: d }, (_, i) => Array.from({ length: d }, (__, j) => (i === j ? 1 : 0))),
    new Array<number>(d).fill(0),
  )

describe("logProb with compat 'reference'", () => {
  const steps = [{ name: 'dequantize' }, { name: 'symmetric-logit', c: 0.9 }]
  const bytes = tensor(
    Float32Array.from(normals(random(1), 12), (v) => Math.round(128 + 40 * v)),
    [2, 6],
  )

  it('is log N(z) + the golden log-determinant - D ln 256', async () => {
    // The golden file has the published log-determinant of x in [0, 1] for given noise: ours of the same rows must be it.
    const golden = vector<{ x_uint8: number[][]; u: unknown; expected_logdet: number[] }>(
      'llr-flows-ncis/flow_logit_preprocess',
    )
    const flat = (value: unknown): number[] => (Array.isArray(value) ? value.flatMap(flat) : [value as number])
    const x = tensor(
      Float64Array.from(flat(golden.x_uint8), (v) => v / 255),
      [2, 6],
    )
    const unit = preprocessing([
      { name: 'dequantize', input: 'unit' },
      { name: 'symmetric-logit', c: 0.9 },
    ])
    const { logDet } = unit.forward(x, { noise: flat(golden.u) })
    for (const [i, want] of golden.expected_logdet.entries()) expect(logDet[i]).toBeCloseTo(want, 12)
    // A flow that is the identity: everything else is the standard normal.
    const folder = await linearFlow(identity(6), steps)
    const flow = await openFlow(folder, { workers: 0 })
    const published = (await flow.logProb(bytes, { seed: 3, compat: 'reference' })).instance
    const v = await flow.preprocess(bytes, { seed: 3 })
    for (const row of [0, 1]) {
      let want = 0
      for (let i = 0; i < 6; i++) {
        const z = v.get(row, i)
        const softplus = (a: number): number => Math.log1p(Math.exp(a))
        want += -0.5 * z * z - 0.5 * Math.log(2 * Math.PI) + softplus(z) + softplus(-z) + Math.log(0.9)
        want += Math.log(255 / 256) - Math.log(256)
      }
      expect(Math.abs(published[row]! - want)).toBeLessThan(1e-4)
    }
    const plain = (await flow.logProb(bytes, { seed: 3 })).instance
    for (const row of [0, 1]) {
      expect(published[row]! - plain[row]!).toBeCloseTo(6 * Math.log(255 / 256), 10)
      // The bias in bits/dim.
      expect(-(published[row]! - plain[row]!) / (6 * Math.LN2)).toBeCloseTo(0.005646, 5)
    }
    await flow.release()
    rmSync(folder, { recursive: true })
  })

  it('subtracts D ln 256 from rows that were never bytes, and goes with pixel space only', async () => {
    const folder = await linearFlow(identity(6))
    const flow = await openFlow(folder, { workers: 0 })
    const x = tensor(Float32Array.from(normals(random(2), 6)), [1, 6])
    const [published, plain] = [await flow.logProb(x, { compat: 'reference' }), await flow.logProb(x)]
    expect(published.instance[0]! - plain.instance[0]!).toBeCloseTo(-6 * Math.log(256), 10)
    await expect(flow.logProb(x, { compat: 'reference', space: 'model' })).rejects.toThrow(
      'logProb compat: expected reference with space pixel, or nothing, got reference with model',
    )
    await expect(flow.logProb(x, { compat: 'published' as never })).rejects.toThrow('got published with pixel')
    await flow.release()
    rmSync(folder, { recursive: true })
  })
})
