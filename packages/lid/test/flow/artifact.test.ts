// Packing, joining and cutting artifacts.
import { sliceRows, tensor } from '@ood/core'
import { describe, expect, it } from 'vitest'
import {
  artifactRows,
  concatArtifacts,
  lidlDimension,
  packArtifact,
  sliceArtifact,
  thresholdLid,
  unpackArtifact,
} from '../../src/index.ts'
import { linearFlow } from '../linear-flow.ts'

const flow = linearFlow(
  [
    [2, 0.5, 0],
    [0, 0.01, 0.3],
    [0.1, 0, 1],
  ],
  [1, 2, 3],
)
const x = tensor(
  Float64Array.from({ length: 12 }, (_, i) => Math.sin(i)),
  [4, 3],
)
const estimator = thresholdLid(flow)

describe('artifacts', () => {
  it('survive packing to the last bit', async () => {
    const artifact = await estimator.prepare(x)
    const buffer = packArtifact(artifact)
    expect(buffer.length).toBe(3 + 4 * 8)
    const again = unpackArtifact(new Float64Array(buffer))
    expect(packArtifact(again)).toEqual(buffer)
    expect(lidlDimension(again, -1)).toEqual(lidlDimension(artifact, -1))
  })

  it('prepared in batches and joined equal one prepare: a run can resume', async () => {
    const whole = await estimator.prepare(x)
    const parts = [await estimator.prepare(sliceRows(x, 0, 1)), await estimator.prepare(sliceRows(x, 1, 4))]
    expect(packArtifact(concatArtifacts(parts))).toEqual(packArtifact(whole))
    expect(packArtifact(sliceArtifact(whole, 1, 4))).toEqual(packArtifact(parts[1]!))
    expect(artifactRows(whole)).toBe(4)
  })

  it('handle one dimension and no points', async () => {
    const one = await thresholdLid(linearFlow([[2]], [0])).prepare(tensor(Float64Array.of(1, 2), [2, 1]))
    expect(unpackArtifact(packArtifact(one)).offDiagonal.shape).toEqual([2, 0])
    const none = sliceArtifact(one, 1, 1)
    expect(artifactRows(unpackArtifact(packArtifact(none)))).toBe(0)
  })

  it('refuse buffers that are cut short or something else', async () => {
    const buffer = packArtifact(await estimator.prepare(x))
    expect(() => unpackArtifact(buffer.subarray(0, 20))).toThrow(
      'unpackArtifact: expected 35 numbers for 4 points of 3, got 20',
    )
    expect(() => unpackArtifact(new Float64Array(0))).toThrow('unpackArtifact: expected a packed artifact')
    expect(() => unpackArtifact(Float64Array.of(buffer[0]!, -1, 3))).toThrow('unpackArtifact: expected a header')
    expect(() => concatArtifacts([])).toThrow('concatRows: expected at least one batch')
  })

  it('refuse parts that disagree', async () => {
    const artifact = await estimator.prepare(x)
    const broken = { ...artifact, offDiagonal: artifact.diagonal }
    expect(() => packArtifact(broken)).toThrow('artifact offDiagonal: expected shape [4, 2], got [4, 3]')
  })
})
