// Mutations: golden vectors, exact laws, batches and seeds, refusals.
import { flatData, type NdArray, sliceRows, tensor } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../../tools/vectors.ts'
import { applyReplacement, applyShift, mutateCategorical, mutateRows, mutateUniform } from '../../src/index.ts'

interface Case {
  feature_range: [number, number]
  X: number[][]
  bernoulli_mask: number[][]
  'shift_drawn_in_[lo+1,hi]': number[][]
  expected: number[][]
}
interface Statistical {
  rate: number
  expected_fraction_changed: number
  sd: number
  expected_mean_of_changed: number
}
const golden = vector<{ cases: Case[]; statistical_check: Statistical }>('llr-flows-ncis/mutate_categorical')
const ren = vector<{ pixels: number[]; uniforms: number[]; replacements: number[]; rate: number; out: number[] }>(
  'dgm/ren_mutation',
)
const matrix = (rows: number[][]) => tensor(Float64Array.from(rows.flat()), [rows.length, rows[0]!.length])
const zeros = (n: number, size: number) => tensor(new Float32Array(n * size), [n, size])

describe('golden vectors', () => {
  it('categorical with explicit masks and shifts', () => {
    expect(golden.cases.length).toBe(3)
    for (const { feature_range, X, bernoulli_mask, expected, ...drawn } of golden.cases) {
      const shift = drawn['shift_drawn_in_[lo+1,hi]']
      const out = applyShift(matrix(X), bernoulli_mask.flat(), shift.flat(), feature_range)
      expect([...flatData(out)]).toEqual(expected.flat())
    }
  })

  it('share changed and mean of the changed', () => {
    const { rate, expected_fraction_changed, sd, expected_mean_of_changed } = golden.statistical_check
    const out = flatData(mutateCategorical(zeros(100, 1000), { rate }))
    const changed = out.filter((value) => value !== 0)
    expect(Math.abs(changed.length / 1e5 - expected_fraction_changed)).toBeLessThan(4 * sd)
    // U{1..255} has sd 73.6; the mean of about 20000 is within four of 73.6 / sqrt(20000) = 0.52.
    const mean = changed.reduce((sum, value) => sum + value, 0) / changed.length
    expect(Math.abs(mean - expected_mean_of_changed)).toBeLessThan(4 * 0.52)
  })

  it('replacement with explicit draws', () => {
    const { pixels, uniforms, replacements, rate, out } = ren
    expect([...flatData(applyReplacement(matrix([pixels]), uniforms, replacements, rate))]).toEqual(out)
  })
})

describe('mutateCategorical', () => {
  it('stays in range and never keeps a value it changes, for any range', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -300, max: 300 }),
        fc.integer({ min: 1, max: 260 }),
        fc.nat(),
        (low, width, seed) => {
          const high = low + width
          const x = tensor(
            Float64Array.from({ length: 60 }, (_, i) => low + (i % (width + 1))),
            [4, 15],
          )
          const all = flatData(mutateCategorical(x, { rate: 1, seed, valueRange: [low, high] }))
          const wrong = all.filter(
            (value, i) => !Number.isInteger(value) || value < low || value > high || value === flatData(x)[i],
          )
          expect(wrong.length).toBe(0)
          expect(mutateCategorical(x, { rate: 0, seed, valueRange: [low, high] })).toEqual(x)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('is uniform over the other symbols, whatever the symbol and the lower bound', () => {
    // 40000 draws over 4 other symbols: each count 10000 with sd 87.
    for (const value of [5, 7, 9]) {
      const x = tensor(new Float64Array(40_000).fill(value), [40, 1000])
      const counts = new Map<number, number>()
      for (const out of flatData(mutateCategorical(x, { rate: 1, seed: value, valueRange: [5, 9] })))
        counts.set(out, (counts.get(out) ?? 0) + 1)
      expect(counts.size).toBe(4)
      expect(counts.has(value)).toBe(false)
      for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(4 * 87)
    }
  })

  it('changes more with a higher rate, never differently', () => {
    const x = zeros(20, 50)
    const [few, many] = [0.1, 0.4].map((rate) => flatData(mutateCategorical(x, { rate, seed: 3 })))
    const changed = few!.filter((value) => value !== 0).length
    expect(changed).toBeGreaterThan(50)
    few!.forEach((value, i) => {
      if (value !== 0) expect(many![i]).toBe(value)
    })
  })

  it('leaves its input alone and keeps the number type and shape', () => {
    const x = tensor(
      Float32Array.from({ length: 24 }, (_, i) => i),
      [2, 1, 3, 4],
    )
    const before = flatData(x).slice()
    const out = mutateCategorical(x, { rate: 1 })
    expect(flatData(x)).toEqual(before)
    expect(out.data).toBeInstanceOf(Float32Array)
    expect(out.shape).toEqual([2, 1, 3, 4])
    // Rows seen through strides are read in their own order.
    const flipped = sliceRows(x, 0, 2).step(1, 1, 1, -1) as NdArray
    const shift = new Float64Array(24).fill(1)
    const moved = applyShift(flipped, shift, shift)
    expect(moved.get(0, 0, 0, 0)).toBe(4)
  })
})

describe('mutateUniform', () => {
  it('may keep a value: rate (1 - 1 / levels) of the symbols change', () => {
    const out = flatData(mutateUniform(zeros(100, 1000), { rate: 0.4, levels: 2, valueRange: [0, 1] }))
    const changed = out.reduce((sum, value) => sum + (value === 0 ? 0 : 1), 0)
    // Binomial(100000, 0.2): sd 126.
    expect(Math.abs(changed - 20_000)).toBeLessThan(4 * 126)
  })

  it('draws whole bytes by default and an even grid on [0, 1]', () => {
    const bytes = flatData(mutateUniform(zeros(20, 500), { rate: 1 }))
    expect(bytes.every((value) => Number.isInteger(value) && value >= 0 && value <= 255)).toBe(true)
    expect(new Set(bytes).size).toBe(256)
    const scaled = flatData(mutateUniform(tensor(new Float64Array(10_000), [20, 500]), { rate: 1, valueRange: [0, 1] }))
    expect(new Set(scaled).size).toBe(256)
    // linspace(0, 1, 256): multiples of 1/255, ends exact.
    const off = scaled.map((value) => Math.abs(value * 255 - Math.round(value * 255)))
    expect(Math.max(...off)).toBeLessThan(1e-12)
    expect(Math.max(...scaled)).toBe(1)
    expect(Math.min(...scaled)).toBe(0)
  })
})

describe('seeds and batches', () => {
  const x = tensor(
    Float64Array.from({ length: 70 }, (_, i) => i % 4),
    [10, 7],
  )
  const valueRange = [0, 3] as const

  it('a row depends on seed and key only', () => {
    for (const mutate of [mutateCategorical, mutateUniform]) {
      const options = { rate: 0.5, seed: 11, valueRange }
      const whole = mutate(x, options)
      const tail = mutate(sliceRows(x, 6, 10), { ...options, rows: [6, 7, 8, 9] })
      expect(tail).toEqual(sliceRows(whole, 6, 10))
      expect(mutate(x, options)).toEqual(whole)
      expect(mutate(x, { ...options, seed: 12 })).not.toEqual(whole)
    }
  })

  it('mutateRows gives the same in any batch size, with shipped and own mutations', async () => {
    const shipped = (rows: NdArray, call: object) => mutateCategorical(rows, { rate: 0.5, valueRange, ...call })
    const want = mutateCategorical(x, { rate: 0.5, seed: 4, valueRange })
    for (const batchSize of [1, 3, 10, 1000]) expect(await mutateRows(x, shipped, { seed: 4, batchSize })).toEqual(want)
    const own = async (rows: NdArray) =>
      tensor(
        flatData(rows).map((value) => 3 - value),
        rows.shape,
      )
    const mirrored = await mutateRows(x, own, { batchSize: 4 })
    expect(flatData(mirrored)).toEqual(flatData(x).map((value) => 3 - value))
    expect((await mutateRows(sliceRows(x, 0, 0), shipped)).shape).toEqual([0, 7])
    const wrong = (rows: NdArray) => sliceRows(rows, 0, 1)
    await expect(mutateRows(x, wrong)).rejects.toThrow('mutation: expected a batch of shape [10,7], got [1,7]')
  })
})

describe('refusals', () => {
  it('name what is wrong and where', () => {
    const x = tensor(Float64Array.of(0, 1, 2, 5), [2, 2])
    expect(() => mutateCategorical(x, { valueRange: [0, 4] })).toThrow(
      'mutateCategorical: expected whole numbers in [0, 4], got 5 in row 1',
    )
    const half = tensor(Float64Array.of(0.5), [1, 1])
    expect(() => mutateCategorical(half)).toThrow('expected whole numbers in [0, 255], got 0.5 in row 0')
    expect(mutateUniform(half).shape).toEqual([1, 1])
    const nan = tensor(Float64Array.of(Number.NaN), [1, 1])
    for (const mutate of [mutateCategorical, mutateUniform]) {
      expect(() => mutate(nan)).toThrow('got NaN in row 0')
      expect(() => mutate(x, { rate: 1.5 })).toThrow('rate: expected a number in [0, 1], got 1.5')
      expect(() => mutate(x, { valueRange: [3, 3] })).toThrow('valueRange: expected [smallest, largest], got [3, 3]')
      expect(() => mutate(x, { rows: [1] })).toThrow('mutation rows: expected 2 numbers, got 1')
    }
    expect(() => mutateCategorical(half, { valueRange: [0, 1.5] })).toThrow('valueRange: expected two whole numbers')
    expect(() => mutateUniform(x, { levels: 1 })).toThrow('levels: expected a whole number of at least 2, got 1')
    expect(() => applyShift(x, [1, 0], [1, 1])).toThrow('applyShift mask: expected 4 numbers, got 2')
    expect(() => applyShift(x, [1, 2, 0, 0], [1, 1, 1, 1])).toThrow('applyShift mask: expected 0 or 1, got 2')
    expect(() => applyShift(x, [1, 0, 0, 0], [0, 0, 0, 0])).toThrow('shift: expected whole numbers 1..255, got 0')
    expect(() => applyReplacement(x, [0, 0, 0, 0], [1], 0.5)).toThrow('replacements: expected 4 numbers, got 1')
  })
})
