// The discretised mixture of logistics: golden vectors, sums to 1, PyTorch in float64, extremes, errors.
import { type NdArray, tensor } from '@ood/core'
import { type MixtureOptions, type MixtureParams, mixtureLogProb } from '@ood/models-autoregressive'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'
import { batch, fixture, flat, gap, json, type Nested, permuted } from './golden.ts'

/** A batch of one kind from a vector file: [B, H, W, ...] with channels last to planes. */
const planes = (value: Nested): NdArray<Float64Array> => {
  const x = batch(value)
  return x.shape.length === 4 ? permuted(x, 0, 3, 1, 2) : permuted(x, 0, 3, 4, 1, 2)
}

/** Parameters of one pixel for every value of x: M components [location, scale], pixel frame of low..high. */
function everyValue(components: [number, number, number][], low: number, high: number): Float64Array {
  const n = high - low + 1
  const m = components.length
  const repeat = (pick: (c: [number, number, number]) => number) =>
    Float64Array.from({ length: n * m }, (_, i) => pick(components[i % m]!))
  const params = {
    logits: tensor(
      repeat((c) => c[0]),
      [n, m, 1, 1],
    ),
    locations: tensor(
      repeat((c) => c[1]),
      [n, m, 1, 1, 1],
    ),
    scales: tensor(
      repeat((c) => c[2]),
      [n, m, 1, 1, 1],
    ),
  }
  const x = tensor(
    Float64Array.from({ length: n }, (_, i) => low + i),
    [n, 1, 1, 1],
  )
  return mixtureLogProb(x, params, { low, high }).instance
}

const sumOfProbabilities = (logs: Float64Array): number => logs.reduce((sum, log) => sum + Math.exp(log), 0)

describe('mixtureLogProb against the golden vectors', () => {
  const one = 'llr-flows-ncis/logistic_mixture_1ch'
  it('one channel', () => {
    const v = vector<Record<string, Nested>>(one)
    const { instance, feature } = mixtureLogProb(planes(v.x!), {
      logits: planes(v.component_logits!),
      locations: planes(v.locs!),
      scales: planes(v.scales!),
    })
    // Float64 against 60 digits: 1e-12 of sums up to 84 nats leaves room for the 12th digit only.
    expect(gap(feature.data, flat(v.expected_log_prob_per_pixel!))).toBeLessThan(1e-12)
    expect(gap(instance, flat(v.expected_log_prob_per_image!))).toBeLessThan(1e-12)
    const bits = instance.map((nats) => -nats / (6 * Math.LN2))
    expect(gap(bits, flat(v.expected_bits_per_dim!))).toBeLessThan(1e-12)
  })

  it('single components in the pixel frame', () => {
    const v = vector<{ single_component_pixel_frame_cases: { x: number; mu: number; s: number; log_pmf: number }[] }>(
      one,
    )
    for (const { x, mu, s, log_pmf } of v.single_component_pixel_frame_cases) {
      const got = everyValue([[0.3, mu / 127.5 - 1, s / 127.5]], 0, 255)[x]!
      // The probability itself is exact to an ulp or two, so log P to 1e-15 absolute plus the rounding of mu.
      expect(Math.abs(got - log_pmf)).toBeLessThan(1e-13 * Math.max(1, Math.abs(log_pmf)))
    }
  })

  const three = 'llr-flows-ncis/logistic_mixture_3ch'
  it.each(['raw', 'normalized'] as const)('three channels, %s', (channelDependence) => {
    const v = vector<Record<string, Nested>>(three)
    const { instance, feature } = mixtureLogProb(
      planes(v.x!),
      {
        logits: planes(v.component_logits!),
        locations: planes(v.locs!),
        scales: planes(v.scales!),
        coefficients: planes(v.coeffs!),
      },
      { channelDependence },
    )
    expect(gap(feature.data, flat(v[`expected_${channelDependence}_per_pixel`]!))).toBeLessThan(1e-12)
    expect(gap(instance, flat(v[`expected_${channelDependence}_per_image`]!))).toBeLessThan(1e-12)
  })
})

describe('mixtureLogProb against PyTorch in float64', () => {
  interface Case extends Record<'logits' | 'locations' | 'scales' | 'x' | 'logProb', number[]> {
    low: number
    high: number
    dependence: 'normalized' | 'raw'
    shape: [number, number, number, number]
    coefficients?: number[]
  }
  const cases = json<Case[]>(fixture('mixture.json'))
  it.each(cases.map((c) => [`${c.low}..${c.high}, M ${c.shape[0]}, C ${c.shape[1]}, ${c.dependence}`, c] as const))(
    '%s',
    (_, { low, high, dependence, shape: [m, c, h, w], logProb, ...given }) => {
      const planes = (numbers: number[], ...shape: number[]) => tensor(Float64Array.from(numbers), shape)
      const params = {
        logits: planes(given.logits, 1, m, h, w),
        locations: planes(given.locations, 1, m, c, h, w),
        scales: planes(given.scales, 1, m, c, h, w),
        ...(given.coefficients ? { coefficients: planes(given.coefficients, 1, m, (c * (c - 1)) / 2, h, w) } : {}),
      }
      const x = planes(given.x, 1, c, h, w)
      const { feature } = mixtureLogProb(x, params, { low, high, channelDependence: dependence })
      logProb.forEach((want, i) => {
        // Both round (x - mu) / sigma, up to 1e5 here, once or twice: 1e-12 relative.
        expect(Math.abs(feature.data[i]! - want)).toBeLessThan(1e-12 * Math.max(1, Math.abs(want)))
      })
    },
  )
})

describe('mixtureLogProb as a distribution', () => {
  const component = fc.tuple(
    fc.double({ min: -5, max: 5, noNaN: true }),
    fc.double({ min: -3, max: 3, noNaN: true }),
    fc.double({ min: -9, max: 5, noNaN: true }).map(Math.exp),
  )

  it('sums to 1 over all values, in any range', () => {
    fc.assert(
      fc.property(
        fc.array(component, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: -300, max: 300 }),
        fc.integer({ min: 1, max: 300 }),
        (components, low, span) => {
          // 301 terms of relative error 1e-15 and their sum.
          expect(Math.abs(sumOfProbabilities(everyValue(components, low, low + span)) - 1)).toBeLessThan(1e-12)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('has two equal halves where it is symmetric', () => {
    const logs = everyValue([[0, 0, 0.2]], 0, 255)
    for (let i = 0; i < 128; i++) expect(Math.abs(logs[i]! - logs[255 - i]!)).toBeLessThan(1e-12)
    expect(everyValue([[1, 0, 0.7]], 0, 1)).toEqual(Float64Array.of(Math.log(0.5), Math.log(0.5)))
  })

  it('ignores a constant added to all logits, and the order of components', () => {
    const components: [number, number, number][] = [
      [0.2, -0.5, 0.1],
      [1.4, 0.3, 0.02],
      [-0.7, 0.9, 0.5],
    ]
    const logs = everyValue(components, 0, 63)
    const moved = everyValue(
      components.map(([w, l, s]) => [w + 500, l, s]),
      0,
      63,
    )
    expect(gap(moved, logs)).toBeLessThan(1e-12)
    expect(gap(everyValue(components.toReversed(), 0, 63), logs)).toBeLessThan(1e-12)
  })

  it('stays finite and below 0 at any scale, location and weight', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.double({ min: -1e300, max: 1e300, noNaN: true }),
            fc.double({ min: -1e30, max: 1e30, noNaN: true }),
            fc.double({ min: -600, max: 600, noNaN: true }).map(Math.exp),
          ),
          { minLength: 1, maxLength: 3 },
        ),
        fc.integer({ min: 1, max: 20 }),
        (components, span) => {
          for (const log of everyValue(components, 0, span)) {
            expect(Number.isFinite(log)).toBe(true)
            // Weights are a quotient of two rounded sums: a sure event may come out a rounding error above 0.
            expect(log).toBeLessThan(1e-15)
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it.each([
    ['a point', [0, 0.2, 1e-30] as const],
    ['a smear', [0, 0.2, 1e30] as const],
    ['far below', [0, -1e6, 0.01] as const],
    ['far above', [0, 1e6, 0.01] as const],
    ['the smallest scale there is', [0, 0, Number.MIN_VALUE] as const],
  ])('keeps its total for %s', (_, component) => {
    const logs = everyValue([[...component]], 0, 10)
    expect(Math.abs(sumOfProbabilities(logs) - 1)).toBeLessThan(1e-12)
    expect(logs.every(Number.isFinite)).toBe(true)
  })

  it('follows the logistic tail: linear in the distance', () => {
    // sigma = 0.1 pixels: log P(j) = -(|j - mu| - 1/2) / sigma far away, 10 nats a pixel.
    const logs = everyValue([[0, 0, 0.1 / 5]], 0, 10)
    expect(logs[5]!).toBeCloseTo(Math.log(Math.tanh(2.5)), 12)
    expect(logs[1]! - logs[2]!).toBeCloseTo(-10, 10)
    // 1500 nats: beyond where probabilities underflow.
    const far = everyValue([[0, 1, 0.002 / 5]], 0, 10)
    expect(far[7]!).toBeCloseTo(-2.5 / 0.002, 8)
  })
})

describe('mixtureLogProb on batches', () => {
  const options: MixtureOptions = { low: 0, high: 7 }
  const random = (seed: number, ...shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1)
    return tensor(
      Float64Array.from({ length: size }, (_, i) => Math.sin(seed + 12.9898 * i)),
      shape,
    )
  }
  const params = (n: number, m: number, c: number, h: number, w: number): MixtureParams => {
    const scales = random(3, n, m, c, h, w)
    scales.data.forEach((value, i) => {
      scales.data[i] = Math.exp(2 * value)
    })
    return {
      logits: random(1, n, m, h, w),
      locations: random(2, n, m, c, h, w),
      scales,
      ...(c > 1 ? { coefficients: random(4, n, m, (c * (c - 1)) / 2, h, w) } : {}),
    }
  }
  const pixels = (...shape: number[]) => {
    const x = random(5, ...shape)
    x.data.forEach((value, i) => {
      x.data[i] = Math.round(3.5 + 3.5 * value)
    })
    return x
  }

  it('gives one number a pixel and their sums, rows independent of each other', () => {
    const whole = mixtureLogProb(pixels(3, 2, 4, 5), params(3, 2, 2, 4, 5), options)
    expect(whole.feature.shape).toEqual([3, 4, 5])
    expect(whole.instance.length).toBe(3)
    for (let row = 0; row < 3; row++) {
      const sum = whole.feature.data.slice(row * 20, (row + 1) * 20).reduce((a, b) => a + b, 0)
      expect(whole.instance[row]).toBe(sum)
    }
  })

  it('takes no rows', () => {
    const { instance, feature } = mixtureLogProb(pixels(0, 1, 2, 2), params(0, 1, 1, 2, 2))
    expect(instance.length).toBe(0)
    expect(feature.shape).toEqual([0, 2, 2])
  })

  it('couples channels by value: two conventions, one of them at coefficient zero', () => {
    const given = params(1, 2, 3, 2, 2)
    const x = pixels(1, 3, 2, 2)
    const raw = mixtureLogProb(x, given, { ...options, channelDependence: 'raw' }).instance[0]!
    const normalized = mixtureLogProb(x, given, options).instance[0]!
    expect(Math.abs(raw - normalized)).toBeGreaterThan(1)
    given.coefficients!.data.fill(0)
    const uncoupled = mixtureLogProb(x, given, options).instance[0]!
    expect(mixtureLogProb(x, given, { ...options, channelDependence: 'raw' }).instance[0]).toBe(uncoupled)
  })

  it.each<[string, () => unknown, string, string]>([
    [
      'half pixels',
      () => mixtureLogProb(set(pixels(2, 1, 2, 2), 5, 0.5), params(2, 1, 1, 2, 2), options),
      'E_ARGUMENT',
      'mixtureLogProb: expected integers in [0, 7], got 0.5 in row 1 at position 1 (round them to whole numbers)',
    ],
    [
      'NaN',
      () => mixtureLogProb(set(pixels(2, 1, 2, 2), 3, Number.NaN), params(2, 1, 1, 2, 2), options),
      'E_NOT_FINITE',
      'mixtureLogProb: expected finite numbers, got NaN in row 0 at position 3',
    ],
    [
      'values above',
      () => mixtureLogProb(set(pixels(1, 1, 2, 2), 0, 8), params(1, 1, 1, 2, 2), options),
      'E_ARGUMENT',
      'mixtureLogProb: expected integers in [0, 7], got 8 in row 0 at position 0',
    ],
    [
      'a scale of zero',
      () => {
        const given = params(1, 1, 1, 2, 2)
        set(given.scales, 2, 0)
        mixtureLogProb(pixels(1, 1, 2, 2), given, options)
      },
      'E_ARGUMENT',
      'mixtureLogProb scales: expected numbers > 0, got 0',
    ],
    [
      'an infinite location',
      () => {
        const given = params(1, 1, 1, 2, 2)
        set(given.locations, 2, Number.POSITIVE_INFINITY)
        mixtureLogProb(pixels(1, 1, 2, 2), given, options)
      },
      'E_NOT_FINITE',
      'mixtureLogProb locations: expected finite numbers, got Infinity in row 0 at position 2',
    ],
    [
      'missing coefficients',
      () => {
        const { coefficients: _, ...rest } = params(1, 1, 2, 2, 2)
        mixtureLogProb(pixels(1, 2, 2, 2), rest, options)
      },
      'E_SHAPE',
      'mixtureLogProb coefficients: expected shape [1, 1, 1, 2, 2], got undefined',
    ],
    [
      'planes of another image',
      () => mixtureLogProb(pixels(1, 1, 2, 2), params(1, 1, 1, 2, 3), options),
      'E_SHAPE',
      'mixtureLogProb logits: expected shape [1, 1, 2, 2], got [1, 1, 2, 3]',
    ],
    [
      'flat rows',
      () => mixtureLogProb(pixels(2, 4), params(2, 1, 1, 2, 2), options),
      'E_SHAPE',
      'mixtureLogProb: expected shape [N, C, H, W], got [2, 4]',
    ],
    [
      'a range of nothing',
      () => mixtureLogProb(pixels(1, 1, 2, 2), params(1, 1, 1, 2, 2), { low: 3, high: 3 }),
      'E_ARGUMENT',
      'mixtureLogProb low, high: expected integers with low < high, got [3, 3]',
    ],
    [
      'another dependence',
      () => mixtureLogProb(pixels(1, 1, 2, 2), params(1, 1, 1, 2, 2), { channelDependence: 'x' as 'raw' }),
      'E_ARGUMENT',
      'mixtureLogProb channelDependence: expected normalized or raw, got x',
    ],
  ])('refuses %s', (_, call, code, message) => {
    expect(call).toThrow(expect.objectContaining({ code, message }))
  })
})

function set(x: NdArray, at: number, value: number): NdArray {
  x.data[at] = value
  return x
}
