// Making the artifact: provider's metric or Jacobians, batches, progress, abort, and bad inputs.
import { flatData, type Invertible, type Progress, sliceRows, tensor } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { flowLidArtifact, thresholdDimension, thresholdLid } from '../../src/index.ts'
import { linearFlow } from '../linear-flow.ts'

const A = [
  [2, 0.5, 0],
  [0, 0.01, 0.3],
  [0.1, 0, 1],
]
const x = tensor(Float64Array.of(1, 2, 3, -1, 0.5, 2, 0, 0, 0), [3, 3])

describe('flowLidArtifact', () => {
  it('holds 3 D - 1 numbers a point, whose eigen sums are those of JᵀJ and z', async () => {
    const flow = linearFlow(A, [0, 0, 0])
    const { diagonal, offDiagonal, rotated } = await flowLidArtifact(flow, x)
    expect([diagonal.shape, offDiagonal.shape, rotated.shape]).toEqual([
      [3, 3],
      [3, 2],
      [3, 3],
    ])
    const trace = A.flat().reduce((s, a) => s + a * a, 0)
    const z = flatData(await flow.encode(x))
    for (let i = 0; i < 3; i++) {
      const sum = diagonal.get(i, 0) + diagonal.get(i, 1) + diagonal.get(i, 2)
      expect(sum).toBeCloseTo(trace, 12)
      const norm = [0, 1, 2].reduce((s, j) => s + rotated.get(i, j) ** 2, 0)
      expect(norm).toBeCloseTo(z[i * 3]! ** 2 + z[i * 3 + 1]! ** 2 + z[i * 3 + 2]! ** 2, 10)
    }
  })

  it('takes the provider’s metric where there is one, Jacobians for the reference clamp', async () => {
    const plain = linearFlow(A, [0, 0, 0])
    const metric = await flowLidArtifact(plain, x)
    let asked = 0
    const fast: Invertible = {
      ...plain,
      decoder: {
        ...plain.decoder,
        tridiagonalMetric: async () => {
          asked++
          return metric
        },
      },
    }
    const before = plain.calls.jvp
    expect(await flowLidArtifact(fast, x)).toBe(metric)
    expect([asked, plain.calls.jvp]).toEqual([1, before])
    await flowLidArtifact(fast, x, { compat: 'reference' })
    expect([asked, plain.calls.jvp]).toEqual([1, before + 3])
  })

  it('reports progress a point at a time, and a scale costs no further call of the flow', async () => {
    const flow = linearFlow(A, [0, 0, 0])
    const events: Progress[] = []
    const artifact = await flowLidArtifact(flow, x, { onProgress: (event) => events.push(event) })
    expect(events).toEqual([1, 2, 3].map((done) => ({ done, total: 3, label: 'flow LID' })))
    const used = { ...flow.calls }
    for (let s = -5; s < 5; s++) thresholdLid(flow).lid(artifact, s)
    expect(flow.calls).toEqual(used)
  })

  it('stops when the caller aborts', async () => {
    const controller = new AbortController()
    const run = flowLidArtifact(linearFlow(A, [0, 0, 0]), x, {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    })
    await expect(run).rejects.toMatchObject({ code: 'E_ABORTED' })
  })

  it('gives an empty artifact for no points', async () => {
    const artifact = await flowLidArtifact(linearFlow(A, [0, 0, 0]), sliceRows(x, 0, 0))
    expect(artifact.offDiagonal.shape).toEqual([0, 2])
    expect(thresholdDimension(artifact, 0)).toEqual(new Float64Array(0))
  })

  it('refuses NaN images, NaN Jacobians and latents of the wrong size', async () => {
    const flow = linearFlow(A, [0, 0, 0])
    const bad = tensor(Float64Array.of(0, 0, 0, 0, Number.NaN, 0), [2, 3])
    await expect(flowLidArtifact(flow, bad)).rejects.toThrow(
      'flowLidArtifact x: expected finite numbers, got NaN in row 1 at position 1',
    )
    const broken = linearFlow(
      [
        [1, Number.NaN],
        [0, 1],
      ],
      [0, 0],
    )
    const nan: Invertible = { ...broken, encode: async () => tensor(new Float64Array(2), [1, 2]) }
    const one = tensor(new Float64Array(2), [1, 2])
    await expect(flowLidArtifact(nan, one)).rejects.toThrow('Jacobian of point 0: expected finite numbers')
    const long: Invertible = { ...flow, encode: async () => tensor(new Float64Array(4), [1, 4]) }
    await expect(flowLidArtifact(long, sliceRows(x, 0, 1))).rejects.toThrow('flowLidArtifact encode')
  })

  it('compat reference turns NaN latents and NaN columns into zeros', async () => {
    const flow = linearFlow(
      [
        [1, 0],
        [0, 1],
      ],
      [0, 0],
    )
    const nan: Invertible = {
      ...flow,
      encode: async () => tensor(Float64Array.of(Number.NaN, 2), [1, 2]),
      decoder: { ...flow.decoder, jacobian: async () => tensor(Float64Array.of(1, Number.NaN, 0, 1), [2, 2]) },
    }
    const artifact = await flowLidArtifact(nan, tensor(new Float64Array(2), [1, 2]), { compat: 'reference' })
    expect(thresholdDimension(artifact, -3)[0]).toBe(1) // JᵀJ = diag(1, 0)
    expect(Math.hypot(artifact.rotated.get(0, 0), artifact.rotated.get(0, 1))).toBeCloseTo(2, 12)
  })
})
