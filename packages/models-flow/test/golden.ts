// Compares a flow folder with the golden values that the Python exporter wrote beside it in float64.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { flatData, tensor } from '@ood/core'
import { type Flow, openFlow } from '@ood/models-flow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** Nested lists of numbers as JSON holds them. */
type Nested = number | Nested[]

interface Golden {
  encode: { x: Nested; z: Nested; logdet: Nested; logProb: Nested }
  decode: { z: Nested; x: Nested; tangents: Nested; xTangents: Nested }
}

const flat = (value: Nested): number[] => (Array.isArray(value) ? value.flatMap(flat) : [value])
const shapeOf = (value: Nested): number[] => (Array.isArray(value) ? [value.length, ...shapeOf(value[0] ?? 0)] : [])
const batch = (value: Nested) => tensor(Float32Array.from(flat(value)), shapeOf(value))

/** Largest relative error of single numbers, for scores. */
export function relativeError(got: ArrayLike<number>, expected: Nested): number {
  const want = flat(expected)
  expect(got.length).toBe(want.length)
  return want.reduce((worst, value, i) => Math.max(worst, Math.abs(got[i]! - value) / Math.abs(value)), 0)
}

/** Largest error relative to the largest number, for vectors: entries near zero carry the others' rounding. */
export function normwiseError(got: ArrayLike<number>, expected: Nested): number {
  const want = flat(expected)
  expect(got.length).toBe(want.length)
  const gap = want.reduce((worst, value, i) => Math.max(worst, Math.abs(got[i]! - value)), 0)
  return gap / want.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
}

/** Declares the tests of one folder holding a checkpoint and `golden.json`. */
export function describeGolden(name: string, folder: string, tolerance: number): void {
  describe(`${name} against PyTorch`, () => {
    const golden = JSON.parse(readFileSync(join(folder, 'golden.json'), 'utf8')) as Golden
    let flow: Flow
    beforeAll(async () => {
      flow = await openFlow(folder, { workers: 0 })
    })
    afterAll(() => flow.release())

    it('logProb in model space', async () => {
      const { instance } = await flow.logProb(batch(golden.encode.x), { input: 'model' })
      expect(relativeError(instance, golden.encode.logProb)).toBeLessThan(tolerance)
    })

    it('encode', async () => {
      const z = await flow.encode(batch(golden.encode.x), { input: 'model' })
      expect(z.shape).toEqual(shapeOf(golden.encode.z))
      expect(normwiseError(flatData(z), golden.encode.z)).toBeLessThan(tolerance)
    })

    it('decode', async () => {
      const x = await flow.decode(batch(golden.decode.z), { space: 'model' })
      expect(x.shape).toEqual(shapeOf(golden.decode.x))
      expect(normwiseError(flatData(x), golden.decode.x)).toBeLessThan(tolerance)
    })

    it('directional derivatives of decode', async () => {
      const { value, tangent } = await flow.decoder.jvp(batch(golden.decode.z), batch(golden.decode.tangents))
      expect(tangent.shape).toEqual(shapeOf(golden.decode.xTangents))
      expect(normwiseError(flatData(value), golden.decode.x)).toBeLessThan(tolerance)
      expect(normwiseError(flatData(tangent), golden.decode.xTangents)).toBeLessThan(tolerance)
    })
  })
}

/** Whether a folder is a checkpoint with golden values. */
export function hasGolden(folder: string): boolean {
  return existsSync(join(folder, 'golden.json')) && existsSync(join(folder, 'manifest.json'))
}
