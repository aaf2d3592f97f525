// Transforms: golden vectors of both specs, log-determinants against finite differences, exact round trips, noise.
import { flatData, random, sliceRows, tensor, uniforms } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'
import { preprocessing, type TransformSpec } from '../src/index.ts'

const row = (...values: number[]) => tensor(Float64Array.from(values), [1, values.length])
const list = (x: Parameters<typeof flatData>[0]): number[] => Array.from(flatData(x))
/** Largest difference relative to max(1, |expected|). */
function worst(got: number[], expected: number[]): number {
  expect(got.length).toBe(expected.length)
  return Math.max(...got.map((g, i) => Math.abs(g - expected[i]!) / Math.max(1, Math.abs(expected[i]!))))
}

describe('golden vector dgm/transforms', () => {
  // biome-ignore lint/suspicious/noExplicitAny: numbers and lists by name, read below.
  const v = vector<any>('dgm/transforms')
  // The vector's own arithmetic is float64 with the same formulas; 1e-13 leaves room for another order of operations.
  const tolerance = 1e-13

  it('dequantises, and quantises back', () => {
    const chain = preprocessing([{ name: 'dequantize', input: 'unit' }])
    const { y } = chain.forward(row(...v.pixels), { noise: v.uniform_noise })
    expect(worst(list(y), v.dequantized)).toBeLessThan(tolerance)
    expect(worst(list(chain.inverse(y)), v.requantized)).toBeLessThan(tolerance)
  })

  it('takes the logit, with the inverse that forgets eps and the old log-determinant', () => {
    const y = row(...v.dequantized)
    const geometry = preprocessing([{ name: 'logit', compat: 'geometry' }])
    expect(worst(list(geometry.forward(y).y), v.logit)).toBeLessThan(tolerance)
    expect(worst(list(geometry.inverse(row(...v.logit))), v.sigmoid_inverse)).toBeLessThan(tolerance)
    const old = preprocessing([{ name: 'logit', compat: 'ood-detection' }])
    const perDim = v.dequantized.map((value: number) => old.forward(row(value)).logDet[0])
    expect(worst(perDim, v.logit_per_dim_logdet_old_repo)).toBeLessThan(tolerance)
  })

  it('centres to [-1, 1] and back', () => {
    const chain = preprocessing([{ name: 'zero-center' }])
    expect(worst(list(chain.forward(row(...v.pixels)).y), v.zero_center)).toBeLessThan(tolerance)
    expect(worst(list(chain.inverse(row(...v.zero_center))), v.zero_center_inverse)).toBeLessThan(tolerance)
  })

  it('scales the way of the older repository', () => {
    const old = v.old_repo
    for (const [range, expected] of [
      [[0, 1], old.scale_data_dequantize],
      [[-1, 1], old.scale_n1_1_dequantize],
    ]) {
      const chain = preprocessing([{ name: 'uniform-noise' }, { name: 'scale', range }])
      const { y } = chain.forward(row(...old.pixels_0_255), { noise: old.noise })
      expect(worst(list(y), expected)).toBeLessThan(tolerance)
      expect(list(chain.inverse(y))).toEqual(old.inverse_n1_1_floor)
    }
  })
})

describe('golden vector llr-flows-ncis/flow_logit_preprocess', () => {
  // biome-ignore lint/suspicious/noExplicitAny: nested lists by name, read below.
  const v = vector<any>('llr-flows-ncis/flow_logit_preprocess')
  const flat = (key: string): number[] => v[key].flat(Infinity)
  const x = () => tensor(Float64Array.from(flat('x')), [2, 1, 2, 3])
  const specs: TransformSpec[] = [
    { name: 'dequantize', input: 'unit' },
    { name: 'symmetric-logit', c: 0.9 },
  ]

  it('equals z, the log-determinant and both inverses', () => {
    const { y, logDet } = preprocessing(specs).forward(x(), { noise: flat('u') })
    expect(worst(list(y), flat('expected_z'))).toBeLessThan(1e-13)
    expect(worst([...logDet], v.expected_logdet)).toBeLessThan(1e-13)
    const exact = preprocessing([{ name: 'symmetric-logit', c: 0.9 }]).inverse(y)
    expect(worst(list(exact), flat('expected_exact_inverse_v'))).toBeLessThan(1e-13)
    const reference = preprocessing([{ name: 'symmetric-logit', c: 0.9, compat: 'reference' }]).inverse(y)
    expect(worst(list(reference), flat('expected_reference_inverse'))).toBeLessThan(1e-13)
  })

  it('differs from bytes in by the constant D ln(255) of the unit', () => {
    const bytes = tensor(Float64Array.from(flat('x_uint8')), [2, 1, 2, 3])
    const a = preprocessing(specs).forward(x(), { noise: flat('u') })
    const b = preprocessing([{ name: 'dequantize' }, specs[1]!]).forward(bytes, { noise: flat('u') })
    expect(worst(list(b.y), list(a.y))).toBeLessThan(1e-13)
    expect(a.logDet[0]! - b.logDet[0]!).toBeCloseTo(6 * Math.log(255), 10)
  })
})

/** Every transform whose forward is a smooth function, with a domain to draw from. */
const smooth: [TransformSpec, number, number][] = [
  [{ name: 'unit' }, 0, 255],
  [{ name: 'scale', range: [-1, 1] }, 0, 255],
  [{ name: 'scale', levels: 16, range: [2, -3] }, 0, 15],
  [{ name: 'zero-center' }, 0, 1],
  [{ name: 'standardize', mean: 0.3, std: 0.2 }, -2, 2],
  [{ name: 'logit' }, 0, 1],
  [{ name: 'logit', alpha: 0.2, eps: 0.01 }, 0, 1],
  [{ name: 'symmetric-logit' }, 0, 1],
  [{ name: 'identity' }, -5, 5],
]

describe('log-determinants', () => {
  for (const [spec, low, high] of smooth) {
    it(`equals ln of the central difference: ${JSON.stringify(spec)}`, () => {
      const chain = preprocessing([spec])
      const f = (x: number) => chain.forward(row(x)).y.data[0]!
      fc.assert(
        fc.property(fc.double({ min: 0.01, max: 0.99, noNaN: true }), (t) => {
          const x = low + t * (high - low)
          const h = 1e-5 * (high - low)
          const slope = (f(x + h) - f(x - h)) / (2 * h)
          // O(h^2) truncation times f''' (below 1e6 h-units here) plus rounding 1e-16/h: 1e-6 covers both.
          expect(Math.abs(chain.forward(row(x)).logDet[0]! - Math.log(Math.abs(slope)))).toBeLessThan(1e-6)
        }),
      )
    })
  }

  it('has the closed form at the white pixel, eps included', () => {
    // p = 1: y = ln(1 / eps), dy/dp = 1 + 1/eps.
    const { y, logDet } = preprocessing([{ name: 'logit', alpha: 0.05, eps: 1e-6 }]).forward(row(1))
    expect(y.data[0]).toBeCloseTo(Math.log(1e6), 9)
    expect(logDet[0]).toBeCloseTo(Math.log(0.95) + Math.log(1 + 1e6), 9)
  })

  it('adds up over dimensions and steps', () => {
    const chain = preprocessing([{ name: 'dequantize' }, { name: 'logit' }])
    const { logDet, stepLogDet } = chain.forward(tensor(new Float64Array(3 * 5).fill(9), [3, 1, 5]))
    expect(stepLogDet).toHaveLength(2)
    expect(stepLogDet[0]![1]).toBeCloseTo(-5 * Math.log(256), 12)
    for (let i = 0; i < 3; i++) expect(logDet[i]).toBe(stepLogDet[0]![i]! + stepLogDet[1]![i]!)
  })

  it('is that of one std a channel for standardize', () => {
    const chain = preprocessing([{ name: 'standardize', mean: [1, 2, 3], std: [1, 2, 4] }])
    const x = tensor(
      Float64Array.from({ length: 12 }, (_, i) => i),
      [1, 3, 2, 2],
    )
    const { y, logDet } = chain.forward(x)
    expect(logDet[0]).toBeCloseTo(-4 * Math.log(8), 12)
    expect(y.get(0, 2, 1, 0)).toBe((10 - 3) / 4)
    expect(list(chain.inverse(y))).toEqual(list(x))
  })
})

describe('round trips', () => {
  const flow: TransformSpec[] = [{ name: 'dequantize' }, { name: 'logit' }, { name: 'flatten', shape: [1, 4, 4] }]
  const images = fc
    .array(fc.integer({ min: 0, max: 255 }), { minLength: 16, maxLength: 16 })
    .map((bytes) => tensor(Float64Array.from(bytes), [1, 1, 4, 4]))

  it('gives the very bytes back in float64', () => {
    const chain = preprocessing(flow)
    fc.assert(
      fc.property(images, fc.integer(), (x, seed) => {
        const { y } = chain.forward(x, { seed })
        expect(y.shape).toEqual([1, 16])
        const back = chain.inverse(y)
        expect(back.shape).toEqual([1, 1, 4, 4])
        expect(list(back)).toEqual(list(x))
      }),
    )
  })

  it('gives back the noisy value without quantising', () => {
    const chain = preprocessing(flow)
    const noise = Float64Array.from({ length: 16 }, (_, i) => i / 16)
    const x = tensor(
      Float64Array.from({ length: 16 }, (_, i) => 17 * i),
      [1, 1, 4, 4],
    )
    const back = chain.inverse(chain.forward(x, { noise }).y, { quantize: false })
    // The inverse of the logit amplifies rounding by at most 256 / 0.95: 1e-11 is plenty.
    expect(
      worst(
        list(back),
        list(x).map((k, i) => k + noise[i]!),
      ),
    ).toBeLessThan(1e-11)
  })

  it('keeps all but a few of 100,000 bytes in float32, none off by more than one', () => {
    const rng = random(1)
    const x = tensor(
      Float32Array.from({ length: 100_000 }, () => rng.integer(256)),
      [100, 1000],
    )
    const chain = preprocessing([{ name: 'dequantize' }, { name: 'logit' }])
    const back = list(chain.inverse(chain.forward(x, { seed: 3 }).y))
    const off = back.map((k, i) => Math.abs(k - x.data[i]!)).filter((gap) => gap > 0)
    expect(off.length).toBeLessThan(10)
    for (const gap of off) expect(gap).toBe(1)
  })

  it('undoes each smooth transform', () => {
    for (const [spec, low, high] of smooth) {
      const chain = preprocessing([spec])
      const xs = Array.from({ length: 21 }, (_, i) => low + (i / 20) * (high - low))
      const back = list(chain.inverse(chain.forward(row(...xs)).y, { quantize: false }))
      expect(worst(back, xs), JSON.stringify(spec)).toBeLessThan(1e-10)
    }
  })

  it('clamps samples from outside the range to pixels', () => {
    const chain = preprocessing([{ name: 'dequantize' }, { name: 'logit' }])
    expect(list(chain.inverse(row(-50, -4, 0, 50)))).toEqual([0, 0, Math.floor((0.450001 / 0.95) * 256), 255])
    expect(list(preprocessing([{ name: 'unit' }, { name: 'zero-center' }]).inverse(row(-3, 0, 3)))).toEqual([
      0, 128, 255,
    ])
  })

  it('loses 0.05 * 256 levels at the bottom with the inverse of ood-detection', () => {
    const chain = preprocessing([{ name: 'dequantize' }, { name: 'logit', compat: 'ood-detection' }])
    const { y } = chain.forward(row(0), { noise: [0.5] })
    expect(list(chain.inverse(y))).toEqual([Math.floor(0.05 * 256 + 0.5 * 0.95)])
  })
})

describe('dequantisation noise', () => {
  it('belongs to the seed and the row, not to the batch', () => {
    const chain = preprocessing([{ name: 'dequantize' }])
    const x = tensor(new Float64Array(10 * 7), [10, 7])
    const all = chain.forward(x, { seed: 5 }).y
    const part = chain.forward(sliceRows(x, 4, 6), { seed: 5, rows: [4, 5] }).y
    expect(list(part)).toEqual(list(sliceRows(all, 4, 6)))
    expect(list(chain.forward(x, { seed: 6 }).y)).not.toEqual(list(all))
    expect(new Set(list(all)).size).toBe(70)
  })

  it('is uniform on [0, 1)', () => {
    const n = 20_000
    const x = tensor(new Float64Array(n), [n / 20, 20])
    const u = list(preprocessing([{ name: 'uniform-noise' }]).forward(x, { seed: 11 }).y).sort((a, b) => a - b)
    expect(u[0]).toBeGreaterThanOrEqual(0)
    expect(u[n - 1]).toBeLessThan(1)
    // Kolmogorov-Smirnov: sqrt(n) D exceeds 1.95 with probability 0.001; the seed is fixed, so this is no lottery.
    const D = Math.max(...u.map((value, i) => Math.max((i + 1) / n - value, value - i / n)))
    expect(Math.sqrt(n) * D).toBeLessThan(1.95)
  })

  it('differs between two noise steps of one list', () => {
    const chain = preprocessing([
      { name: 'gaussian-noise', std: 1 },
      { name: 'gaussian-noise', std: 1 },
    ])
    const n = 4000
    const values = list(chain.forward(tensor(new Float64Array(n), [1, n]), { seed: 2 }).y)
    const variance = values.reduce((sum, v) => sum + v * v, 0) / n
    // Independent draws: variance 2 +- 2 sqrt(2/n); the same draw twice would give 4.
    expect(Math.abs(variance - 2)).toBeLessThan(0.2)
  })
})

describe('errors', () => {
  const failing: [string, unknown, RegExp][] = [
    ['an unknown name', [{ name: 'logits' }], /preprocessing\[0\]\.name: expected one of dequantize, .* got logits/],
    ['a misspelt parameter', [{ name: 'logit', alfa: 0.1 }], /preprocessing\[0\] \(logit\) parameter: .* got alfa/],
    [
      'a bad number',
      [{ name: 'identity' }, { name: 'logit', alpha: 1 }],
      /preprocessing\[1\] \(logit\)\.alpha: .* got 1/,
    ],
    ['a missing number', [{ name: 'gaussian-noise' }], /std: expected a number >= 0, got undefined/],
    ['fractional levels', [{ name: 'dequantize', levels: 2.5 }], /levels: expected an integer >= 2, got 2\.5/],
    ['an empty range', [{ name: 'scale', range: [1, 1] }], /range: expected two different numbers/],
    [
      'an unknown compat',
      [{ name: 'logit', compat: 'old' }],
      /compat: expected one of geometry, ood-detection, got old/,
    ],
    ['no object', ['logit'], /preprocessing\[0\]: expected an object with a name, got logit/],
    ['an inherited name', [{ name: 'toString' }], /expected one of/],
    ['no list', { name: 'logit' }, /preprocessing: expected a list of transforms/],
  ]
  for (const [what, specs, message] of failing) {
    it(`refuses ${what}`, () => {
      expect(() => preprocessing(specs as TransformSpec[])).toThrow(message)
    })
  }

  it('refuses NaN, pixels out of range and values outside the logit, naming the row', () => {
    const chain = preprocessing([{ name: 'dequantize' }])
    expect(() => chain.forward(tensor(Float64Array.of(1, 2, 3, Number.NaN), [2, 2]))).toThrow(/NaN in row 1/)
    expect(() => chain.forward(row(256))).toThrow(/dequantize: expected pixels in 0..255, got 256/)
    expect(() => chain.forward(row(-1))).toThrow(/got -1/)
    expect(() => preprocessing([{ name: 'logit' }]).forward(row(0.5, 1.2))).toThrow(/logit: .*NaN in row 0/)
    expect(() => preprocessing([{ name: 'logit', eps: 0 }]).forward(row(1))).toThrow(/logit: .*Infinity/)
    expect(() => chain.inverse(row(Number.NaN))).toThrow(/inverse.*NaN/)
  })

  it('refuses noise or keys of the wrong length and flatten without a shape', () => {
    const chain = preprocessing([{ name: 'dequantize' }])
    expect(() => chain.forward(row(1, 2), { noise: uniforms(random(0), 3) })).toThrow(/noise: expected 2 numbers/)
    expect(() => chain.forward(row(1, 2), { rows: [0, 1] })).toThrow(/rows: expected 1 keys/)
    expect(() => preprocessing([{ name: 'flatten' }]).inverse(row(1))).toThrow(/shape in the spec/)
    expect(() => preprocessing([{ name: 'flatten', shape: [1, 2, 2] }]).forward(row(1))).toThrow(/\[1,2,2\]/)
  })

  it('handles an empty batch', () => {
    const { y, logDet } = preprocessing([{ name: 'dequantize' }, { name: 'logit' }]).forward(
      tensor(new Float32Array(0), [0, 1, 28, 28]),
    )
    expect(y.shape).toEqual([0, 1, 28, 28])
    expect(logDet).toHaveLength(0)
  })
})
