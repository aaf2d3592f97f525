// Precomputed distances: every estimator gives what it gives of the points, and what is no distance is refused.
import { type NdArray, random, tensor } from '@ood/core'
import { describe, expect, it } from 'vitest'
import {
  corrInt,
  corrIntScales,
  danco,
  distanceMatrix,
  findNeighbours,
  fisherPoints,
  globalDimension,
  gride,
  knnGraph,
  knnGraphRule,
  lpcaGlobal,
  lpcaRule,
  mindMl,
  mle,
  mleRule,
  modelFreeLid,
  pointwiseDimensions,
  pooledMle,
  twoNn,
} from '../../src/index.ts'
import { ESTIMATORS, ruleOf } from '../../src/model-free/internal/registry.ts'
import { ball } from './shapes.ts'

function distancesOf(x: NdArray): Float64Array {
  const [n, d] = x.shape as [number, number]
  return Float64Array.from({ length: n * n }, (_, at) => {
    let sum = 0
    for (let l = 0; l < d; l++) sum += (x.data[Math.floor(at / n) * d + l]! - x.data[(at % n) * d + l]!) ** 2
    return Math.sqrt(sum)
  })
}

const x = ball(1, 120, 3, 6)
const n = 120
const matrix = distanceMatrix(tensor(distancesOf(x), [n, n]))
const OPTIONS: Record<string, object> = {
  mind: { k: 5, maxDimension: 6 },
  corrInt: { near: 4, far: 10 },
  knnGraph: { k: 3 },
  danco: { k: 5, maxDimension: 6 },
}

describe('a matrix of distances', () => {
  it.each(ESTIMATORS)('%s at points', async (estimator) => {
    const rule = ruleOf({ estimator, options: OPTIONS[estimator] ?? {} })
    const options = { neighbours: 30, queries: 6, seed: 2 }
    const want = await pointwiseDimensions(x, rule, options)
    for (const threads of [1, 2]) {
      const got = await pointwiseDimensions(matrix, rule, { ...options, threads })
      expect(got.points).toEqual(want.points)
      // knnGraph fits up to the ambient dimension, which a matrix does not know; the fit is the same here.
      got.lid.forEach((value, i) => {
        expect(value / want.lid[i]!).toBeCloseTo(1, 7)
      })
    }
  })

  it('estimators of whole sets', async () => {
    expect(await twoNn(matrix)).toBeCloseTo(await twoNn(x), 9)
    expect((await gride(matrix, { near: 2 })).dimension).toBeCloseTo((await gride(x, { near: 2 })).dimension, 9)
    expect(await mindMl(matrix, { k: 5 })).toBeCloseTo(await mindMl(x, { k: 5 }), 7)
    expect(await corrInt(matrix)).toBeCloseTo(await corrInt(x), 9)
    expect(await corrInt(matrix, { gap: 9 })).toBeCloseTo(await corrInt(x, { gap: 9 }), 9)
    expect((await corrIntScales(matrix)).dimension).toBeCloseTo((await corrIntScales(x)).dimension, 9)
    expect(await pooledMle(matrix)).toBeCloseTo(await pooledMle(x), 9)
    expect(await danco(matrix, { maxDimension: 5 })).toBeCloseTo(await danco(x, { maxDimension: 5 }), 5)
    expect(await knnGraph(matrix, { k: 3 })).toBe(globalDimension(matrix, knnGraphRule({ k: 3 })))
    expect(lpcaGlobal(matrix, { version: 'participation_ratio' })).toBeCloseTo(
      lpcaGlobal(x, { version: 'participation_ratio' }),
      9,
    )
    expect(fisherPoints(matrix).inseparable).toEqual(fisherPoints(x).inseparable)
  })

  it('a subsample is a smaller matrix whose points keep their row numbers; a table serves all', async () => {
    const options = { neighbours: 8, subsample: 40, seed: 3 }
    const want = await mle(x, options)
    const got = await mle(matrix, options)
    expect(got.points).toEqual(want.points)
    got.lid.forEach((value, i) => {
      expect(value).toBeCloseTo(want.lid[i]!, 9)
    })
    const table = await findNeighbours(matrix, 12)
    expect([...table.indices]).toEqual([...(await findNeighbours(x, 12)).indices])
    expect(await twoNn(matrix, { table })).toBe(await twoNn(matrix))
  })

  it('any metric: the largest difference of coordinates of a square', async () => {
    const rng = random(5)
    const points = Float64Array.from({ length: 2 * 500 }, () => rng.uniform())
    const largest = tensor(
      Float64Array.from({ length: 500 * 500 }, (_, at) => {
        const [i, j] = [Math.floor(at / 500), at % 500]
        return Math.max(Math.abs(points[2 * i]! - points[2 * j]!), Math.abs(points[2 * i + 1]! - points[2 * j + 1]!))
      }),
      [500, 500],
    )
    expect(Math.abs((await twoNn(distanceMatrix(largest))) - 2)).toBeLessThan(0.3)
  })

  it('copies and one repeated point', async () => {
    expect(await twoNn(distanceMatrix(tensor(new Float64Array(25), [5, 5])))).toBe(0)
    const twice = distanceMatrix(
      tensor(
        Float64Array.from({ length: 16 }, (_, at) => Number(Math.floor(at / 8) !== Math.floor((at % 4) / 2))),
        [4, 4],
      ),
    )
    await expect(twoNn(twice)).rejects.toThrow('TwoNN: expected a point without copies of itself, got none')
  })

  it('what is no matrix of distances, or needs points, is named', async () => {
    const bad = (values: number[], shape: number[]): (() => unknown) => {
      return () => distanceMatrix(tensor(Float64Array.from(values), shape))
    }
    expect(bad([0, 1, 1, 0, 1, 1], [2, 3])).toThrow('distanceMatrix: expected a square matrix, got shape [2,3]')
    expect(bad([0, 1, 2, 0], [2, 2])).toThrow(
      'distanceMatrix: expected a symmetric matrix, got 2 in row 1, column 0 and 1 across',
    )
    expect(bad([0, 1, 1, 3], [2, 2])).toThrow('expected 0 on the diagonal, got 3 in row 1, column 1')
    expect(bad([0, -1, -1, 0], [2, 2])).toThrow('expected distances of at least 0, got -1 in row 0, column 1')
    expect(bad([0, Number.NaN, 1, 0], [2, 2])).toThrow('expected finite distances, got NaN in row 0, column 1')
    await expect(findNeighbours(matrix, 3, { at: x })).rejects.toThrow(
      'findNeighbours at: expected points as data, got a matrix of distances',
    )
    const own = { name: 'own', dimension: ({ points }: { points: Float64Array }) => points.length }
    await expect(pointwiseDimensions(matrix, own, { neighbours: 3 })).rejects.toThrow(
      'coordinates: expected points, got a matrix of distances',
    )
    await expect(modelFreeLid(mleRule(), { neighbours: 3 }).fit(matrix)).rejects.toThrow(
      'MLE: expected points to look new ones up in, got a matrix of distances',
    )
    // The matrix alone, without distanceMatrix, is 120 points of 120 coordinates.
    expect(globalDimension(tensor(matrix.data.slice(), [n, n]), lpcaRule())).toBeGreaterThan(0)
  })
})
