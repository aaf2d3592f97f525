// Squared distances: exact on whole numbers, rounded once, the same for tied pairs; one at a time and all pairs.
import { normals, permutation, random } from '@ood/core'
import { pairSquares, squaredDistance } from '@ood/linalg'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'

const between = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
  squaredDistance(Float64Array.from(x), 0, Float64Array.from(y), 0, x.length)

/** How many numbers are not the same bits. */
const differing = (a: Float64Array, b: Float64Array): number =>
  a.length === b.length ? a.reduce((count, value, at) => count + (Object.is(value, b[at]) ? 0 : 1), 0) : -1

/** Σ fl((x - y)²) as a whole number of 2^-1074, rounded by Number(): the sum rounded once. */
function roundedOnce(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let sum = 0n
  for (let j = 0; j < x.length; j++) sum += inUnits((x[j]! - y[j]!) ** 2)
  return Number(sum) * 2 ** -200
}

/** A number as a whole number of 2^-200 (those of the tests are multiples of it). */
function inUnits(value: number): bigint {
  const exponent = Math.floor(Math.log2(value || 1)) - 60
  return exponent < -200 ? BigInt(value * 2 ** 200) : BigInt(value * 2 ** -exponent) << BigInt(200 + exponent)
}

describe('squaredDistance', () => {
  test('is the sum rounded once, to the last bit', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 40 }), fc.constantFrom(1, 1e3, 1e-3), (seed, d, spread) => {
        const rng = random(seed)
        // Scales that differ from coordinate to coordinate: where a plain sum loses most.
        const draw = (): Float64Array => normals(rng, d).map((x) => x * spread ** rng.integer(3))
        const [x, y] = [draw(), draw()]
        expect(between(x, y)).toBe(roundedOnce(x, y))
      }),
    )
  })

  test('does not depend on the order or the sign of the differences, nor on zeros between them', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 300 }), (seed, d) => {
        const rng = random(seed)
        const [x, y] = [normals(rng, d), normals(rng, d)]
        const want = between(x, y)
        const order = permutation(rng, d)
        expect(
          between(
            Float64Array.from(order, (j) => x[j]!),
            Float64Array.from(order, (j) => y[j]!),
          ),
        ).toBe(want)
        const sign = Float64Array.from({ length: d }, () => (rng.uniform() < 0.5 ? -1 : 1))
        expect(
          between(
            x.map((v, j) => v * sign[j]!),
            y.map((v, j) => v * sign[j]!),
          ),
        ).toBe(want)
        const spaced = (v: Float64Array): number[] => [0, 0, 0, ...Array.from(v).flatMap((value) => [value, 5, 5])]
        expect(between(spaced(x), spaced(y))).toBe(want)
        expect(between(y, x)).toBe(want)
      }),
    )
  })

  test('is exact on whole numbers, 0 between copies, infinite past the range', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.integer({ min: -(2 ** 20), max: 2 ** 20 }), fc.integer({ min: -(2 ** 20), max: 2 ** 20 })),
        ),
        (pairs) => {
          const want = pairs.reduce((sum, [a, b]) => sum + BigInt(a - b) ** 2n, 0n)
          expect(
            BigInt(
              between(
                pairs.map(([a]) => a),
                pairs.map(([, b]) => b),
              ),
            ),
          ).toBe(want)
        },
      ),
    )
    expect(between([1e6 + 0.1, 7], [1e6 + 0.1, 7])).toBe(0)
    expect(between([1e200, 1e200, 0], [-1e200, 0, 0])).toBe(Number.POSITIVE_INFINITY)
    expect(between([], [])).toBe(0)
  })
})

describe('pairSquares', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
  })

  test.each([
    [0, 3],
    [1, 1],
    [7, 0],
    [2, 5],
    [37, 20],
    [9, 785],
    [300, 3],
    [520, 2],
  ])('gives %i points in %i dimensions the same bits as one at a time, with and without WebAssembly', async (n, d) => {
    const x = normals(random(n + d), n * d)
    // A copy of the first row, where there is a second one.
    if (n > 1) x.copyWithin(d, 0, d)
    const want = new Float64Array(n * n)
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) want[i * n + j] = squaredDistance(x, i * d, x, j * d, d)
    expect(differing(pairSquares(x, n, d), want)).toBe(0)
    vi.resetModules()
    vi.stubGlobal('WebAssembly', undefined)
    const plain = await import('@ood/linalg')
    expect(differing(plain.pairSquares(x, n, d), want)).toBe(0)
    const short = Float32Array.from(x)
    expect(differing(pairSquares(short, n, d), pairSquares(Float64Array.from(short), n, d))).toBe(0)
  })

  test('refuses what does not fit', () => {
    expect(() => pairSquares(new Float64Array(5), 2, 3)).toThrow('pairSquares points: expected 6 numbers, got 5')
    expect(() => pairSquares(Float64Array.of(1, Number.NaN), 2, 1)).toThrow('pairSquares points: expected finite')
  })
})
