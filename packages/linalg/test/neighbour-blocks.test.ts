// The parts of a neighbour search: exact neighbours from products of any precision, and the backend they come from.
import { type MatmulBackend, random } from '@ood/core'
import { distancePoints, productBound, rankNeighbours, squaredDistance, wasmMatmul } from '@ood/linalg'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** Products rounded to float32 at every step: what a fast backend may return. */
const float32: MatmulBackend = {
  name: 'float32',
  unitRoundoff: 2 ** -24,
  multiplyTransposed(A, B, rows, inner, cols) {
    const out = new Float64Array(rows * cols)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < cols; j++) {
        let sum = 0
        for (let l = 0; l < inner; l++)
          sum = Math.fround(sum + Math.fround(Math.fround(A[i * inner + l]!) * Math.fround(B[j * inner + l]!)))
        out[i * cols + j] = sum
      }
    return out
  },
}

function search(data: Float64Array, n: number, d: number, k: number, backend: MatmulBackend) {
  const points = distancePoints(data, n, d)
  const dots = backend.multiplyTransposed(points.centred, points.centred, n, d, n) as Float64Array
  const target = { indices: new Int32Array(n * k), distances: new Float64Array(n * k), at: 0 }
  for (let row = 0; row < n; row++) {
    const options = { exclude: row, unitRoundoff: backend.unitRoundoff }
    rankNeighbours(points, points, row, dots, row * n, k, { ...target, at: row * k }, options)
  }
  return target
}

/** By the definition. */
function direct(data: Float64Array, n: number, d: number, k: number, row: number) {
  return Array.from({ length: n }, (_, j) => ({
    j,
    distance: Math.sqrt(squaredDistance(data, row * d, data, j * d, d)),
  }))
    .filter(({ j }) => j !== row)
    .sort((a, b) => a.distance - b.distance || a.j - b.j)
    .slice(0, k)
}

describe('rankNeighbours', () => {
  test('finds the same neighbours in the same order at the same distances whatever the precision', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 2, max: 30 }),
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom(1, 1e3, 1e-3),
        fc.boolean(),
        (seed, n, d, offset, lattice) => {
          const rng = random(seed)
          // A lattice has many equal distances, an offset many products that agree in their leading digits.
          const data = Float64Array.from({ length: n * d }, () =>
            lattice ? rng.integer(3) : offset * 1e3 + rng.normal(),
          )
          const k = 1 + rng.integer(n - 1)
          for (const backend of [wasmMatmul, float32]) {
            const got = search(data, n, d, k, backend)
            for (let row = 0; row < n; row++) {
              const want = direct(data, n, d, k, row)
              expect([...got.indices.subarray(row * k, row * k + k)]).toEqual(want.map(({ j }) => j))
              expect([...got.distances.subarray(row * k, row * k + k)]).toEqual(want.map(({ distance }) => distance))
            }
          }
        },
      ),
      { numRuns: 20 },
    )
  })

  test('the bound holds for products of long rows', () => {
    const [n, d] = [20, 500]
    const rng = random(4)
    const data = Float64Array.from({ length: n * d }, () => rng.normal() + 3)
    const points = distancePoints(data, n, d)
    for (const backend of [wasmMatmul, float32]) {
      const dots = backend.multiplyTransposed(points.centred, points.centred, n, d, n) as Float64Array
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          const approximate = points.squaredNorms[i]! + points.squaredNorms[j]! - 2 * dots[i * n + j]!
          const lengths = Math.sqrt(points.squaredNorms[i]!) + Math.sqrt(points.squaredNorms[j]!)
          const error = Math.abs(approximate - squaredDistance(data, i * d, data, j * d, d))
          expect(error).toBeLessThanOrEqual(productBound(d, backend.unitRoundoff, lengths))
        }
    }
  })
})

test('wasmMatmul multiplies rows with rows', () => {
  expect(wasmMatmul.multiplyTransposed(Float64Array.of(1, 2, 3, 4), Float64Array.of(5, 6), 2, 2, 1)).toEqual(
    Float64Array.of(17, 39),
  )
})
