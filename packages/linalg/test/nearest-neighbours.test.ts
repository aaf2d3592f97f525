// Nearest neighbours: exact against a direct search, ties, far-off data, duplicates, bad input.
import { normals, random, tensor } from '@ood/core'
import { nearestNeighbours, squaredDistance } from '@ood/linalg'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

type Row = { index: number; distance: number }

/** All distances by the definition, sorted, ties in order of row number. */
function direct(data: Float64Array, query: Float64Array, d: number, skip = -1): Row[] {
  return Array.from({ length: data.length / d }, (_, index) => {
    return { index, distance: Math.sqrt(squaredDistance(query, 0, data, index * d, d)) }
  })
    .filter(({ index }) => index !== skip)
    .sort((a, b) => a.distance - b.distance || a.index - b.index)
}

describe('nearestNeighbours', () => {
  test('as a direct search finds them, on few values so that ties abound', () => {
    const value = fc.integer({ min: -2, max: 2 })
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 4 })
          .chain((d) =>
            fc.tuple(
              fc.array(fc.array(value, { minLength: d, maxLength: d }), { minLength: 2, maxLength: 40 }),
              fc.array(fc.array(value, { minLength: d, maxLength: d }), { minLength: 1, maxLength: 5 }),
              fc.constant(d),
            ),
          ),
        fc.nat(),
        fc.boolean(),
        ([rows, others, d], choose, excludeSelf) => {
          const data = Float64Array.from(rows.flat())
          const queries = excludeSelf ? data : Float64Array.from(others.flat())
          const n = rows.length
          const q = queries.length / d
          const k = 1 + (choose % (excludeSelf ? n - 1 : n))
          const got = nearestNeighbours(tensor(data, [n, d]), tensor(queries, [q, d]), k, { excludeSelf })
          for (let i = 0; i < q; i++) {
            const expected = direct(data, queries.subarray(i * d, (i + 1) * d), d, excludeSelf ? i : -1).slice(0, k)
            expect([...got.indices.subarray(i * k, (i + 1) * k)]).toEqual(expected.map((row) => row.index))
            expect([...got.distances.subarray(i * k, (i + 1) * k)]).toEqual(expected.map((row) => row.distance))
          }
        },
      ),
    )
  })

  test('data far from the origin and close together: products alone would see only rounding', () => {
    // Coordinates 1e6 apart from zero, neighbours 1e-6 apart: |a|² + |b|² - 2ab has an error of 1e-2 at distance² 1e-10.
    const [n, d, k] = [300, 50, 5]
    const rng = random(1)
    const data = normals(rng, n * d).map((x) => 1e6 + 1e-6 * x)
    const got = nearestNeighbours(tensor(data, [n, d]), tensor(data, [n, d]), k)
    for (let i = 0; i < n; i++) {
      const expected = direct(data, data.subarray(i * d, (i + 1) * d), d).slice(0, k)
      expect([...got.indices.subarray(i * k, (i + 1) * k)]).toEqual(expected.map((row) => row.index))
      expect(got.indices[i * k]).toBe(i)
      expect(got.distances[i * k]).toBe(0)
    }
  })

  test('two clusters far apart, where centring does not help either', () => {
    const [n, d, k] = [200, 20, 4]
    const rng = random(2)
    const data = normals(rng, n * d).map((x, at) => (at < (n / 2) * d ? 1e7 : -1e7) + 1e-5 * x)
    const got = nearestNeighbours(tensor(data, [n, d]), tensor(data, [n, d]), k, { excludeSelf: true })
    for (let i = 0; i < n; i++) {
      const expected = direct(data, data.subarray(i * d, (i + 1) * d), d, i).slice(0, k)
      expect([...got.indices.subarray(i * k, (i + 1) * k)]).toEqual(expected.map((row) => row.index))
    }
  })

  test('image-sized rows in float32, more queries than one block', () => {
    const [n, q, d, k] = [700, 150, 784, 3]
    const rng = random(3)
    const data = Float32Array.from(normals(rng, n * d))
    const queries = Float32Array.from(normals(rng, q * d))
    const got = nearestNeighbours(tensor(data, [n, 1, 28, 28]), tensor(queries, [q, 1, 28, 28]), k)
    const wide = Float64Array.from(data)
    for (let i = 0; i < q; i += 7) {
      const expected = direct(wide, Float64Array.from(queries.subarray(i * d, (i + 1) * d)), d).slice(0, k)
      expect([...got.indices.subarray(i * k, (i + 1) * k)]).toEqual(expected.map((row) => row.index))
      expect([...got.distances.subarray(i * k, (i + 1) * k)]).toEqual(expected.map((row) => row.distance))
    }
  })

  test('duplicates stay neighbours of each other when rows exclude themselves', () => {
    const data = tensor(Float64Array.of(1, 1, 5), [3, 1])
    expect(nearestNeighbours(data, data, 1, { excludeSelf: true })).toEqual({
      indices: Int32Array.of(1, 0, 0),
      distances: Float64Array.of(0, 0, 4),
    })
  })

  test('no queries, all rows, bad input', () => {
    const data = tensor(Float64Array.of(0, 3, 1), [3, 1])
    expect(nearestNeighbours(data, tensor(new Float64Array(0), [0, 1]), 1).indices.length).toBe(0)
    expect([...nearestNeighbours(data, tensor(Float64Array.of(2.5), [1, 1]), 3).indices]).toEqual([1, 2, 0])
    expect(() => nearestNeighbours(data, data, 4)).toThrow('nearestNeighbours k: expected an integer in 1..3, got 4')
    expect(() => nearestNeighbours(data, data, 3, { excludeSelf: true })).toThrow('in 1..2, got 3')
    expect(() => nearestNeighbours(data, data, 0)).toThrow('got 0')
    expect(() => nearestNeighbours(data, tensor(new Float64Array(4), [2, 2]), 1)).toThrow(
      'expected rows of 1 numbers, got 2',
    )
    expect(() => nearestNeighbours(data, tensor(new Float64Array(2), [2, 1]), 1, { excludeSelf: true })).toThrow(
      'expected the 3 rows of data, got 2',
    )
    const bad = tensor(Float64Array.of(0, Number.NaN), [2, 1])
    expect(() => nearestNeighbours(bad, data, 1)).toThrow(
      'nearestNeighbours data: expected finite numbers, got NaN in row 1',
    )
    expect(() => nearestNeighbours(data, bad, 1)).toThrow('nearestNeighbours queries: expected finite numbers')
    const huge = tensor(Float64Array.of(1e200, -1e200), [2, 1])
    expect(() => nearestNeighbours(huge, huge, 1)).toThrow('numbers whose squares stay below 1.8e308, got row 0')
  })
})
