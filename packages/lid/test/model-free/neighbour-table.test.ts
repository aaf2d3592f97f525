// The tie rule of the neighbour search: bit-equal distances for tied neighbours, in order of row number, whatever the
// products came from, on how many threads, and wherever the data lie.
import { type MatmulBackend, normals, random, tensor } from '@ood/core'
import { squaredDistance } from '@ood/linalg'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { corrInt, corrIntRule, findNeighbours, globalDimension, type NeighbourTable } from '../../src/index.ts'

/** Products as float32 hardware makes them: rounded at every step, overflowing and vanishing where float32 does. */
const float32: MatmulBackend = {
  name: 'float32',
  unitRoundoff: 2 ** -24,
  multiplyTransposed(A, B, rows, inner, cols) {
    const [a, b] = [Float32Array.from(A), Float32Array.from(B)]
    const out = new Float64Array(rows * cols)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < cols; j++) {
        let sum = 0
        for (let l = 0; l < inner; l++) sum = Math.fround(sum + Math.fround(a[i * inner + l]! * b[j * inner + l]!))
        out[i * cols + j] = sum
      }
    return out
  },
}

const points = (rows: readonly (readonly number[])[]): ReturnType<typeof tensor> =>
  tensor(Float64Array.from(rows.flat()), [rows.length, rows[0]!.length])

/** The definition: by distance, then by row number. */
function expected(x: ReturnType<typeof tensor>, k: number): { indices: number[]; distances: number[] } {
  const [n, d] = x.shape as [number, number]
  const data = x.data as Float64Array
  const lists = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => ({ j, r: Math.sqrt(squaredDistance(data, i * d, data, j * d, d)) }))
      .filter(({ j }) => j !== i)
      .sort((a, b) => a.r - b.r || a.j - b.j)
      .slice(0, k),
  ).flat()
  return { indices: lists.map(({ j }) => j), distances: lists.map(({ r }) => r) }
}

const read = ({ indices, distances }: NeighbourTable): { indices: number[]; distances: number[] } => ({
  indices: [...indices],
  distances: [...distances],
})

/** All points of {0..side-1}^d. */
const grid = (side: number, d: number): number[][] =>
  Array.from({ length: side ** d }, (_, at) => Array.from({ length: d }, (_, j) => Math.floor(at / side ** j) % side))

const octahedron = (d: number, size: number): number[][] =>
  [1, -1].flatMap((sign) =>
    Array.from({ length: d }, (_, i) => Array.from({ length: d }, (_, j) => (i === j ? sign * size : 0))),
  )

const moved = (rows: readonly (readonly number[])[], by: number): number[][] =>
  rows.map((row) => row.map((v) => v + by))
const stacked = (rows: readonly (readonly number[])[], times: number): number[][] =>
  Array.from({ length: times }, () => rows.map((row) => [...row])).flat()

const SETS: Record<string, number[][]> = {
  'a grid': grid(5, 3),
  'a grid 1e6 away': moved(grid(4, 3), 1e6),
  'a grid stacked three times': stacked(grid(4, 2), 3),
  'an octahedron': octahedron(8, 1),
  'an octahedron of an odd size, 1e6 away': moved(octahedron(6, 0.7), 1e6),
  'a cube of side 0.1': grid(2, 5).map((row) => row.map((v) => 0.1 * v)),
  'a set and its mirror image': (() => {
    const half = Array.from({ length: 20 }, (_, i) => [...normals(random(i), 7)])
    return [...half, ...half.map((row) => row.map((v) => -v))]
  })(),
  'neighbours that float32 cannot tell apart': Array.from({ length: 40 }, (_, i) => [1 + i * 2 ** -40, 3, -1e-12 * i]),
  'two clusters 1e8 apart': Array.from({ length: 40 }, (_, i) =>
    [...normals(random(i), 3)].map((v) => v * 1e-6 + (i % 2) * 1e8),
  ),
  'past the range of float32': Array.from({ length: 30 }, (_, i) => [...normals(random(i), 3)].map((v) => v * 1e60)),
  'below the range of float32': Array.from({ length: 30 }, (_, i) => [...normals(random(i), 3)].map((v) => v * 1e-60)),
  'rows of 300': Array.from({ length: 60 }, (_, i) => [...normals(random(i), 300)]),
  'copies of one point': stacked([[0.1, 1e6 + 0.3]], 12),
}

describe('findNeighbours', () => {
  for (const [name, rows] of Object.entries(SETS)) {
    it(`finds the definition's neighbours to the bit: ${name}`, async () => {
      const x = points(rows)
      for (const k of [1, 3, Math.min(20, rows.length - 1)]) {
        const want = expected(x, k)
        expect(read(await findNeighbours(x, k))).toEqual(want)
        expect(read(await findNeighbours(x, k, { matmul: float32 }))).toEqual(want)
        // A few queries: products are not kept then.
        const some = [rows.length - 1, 0]
        for (const options of [{}, { matmul: float32 }]) {
          const few = read(await findNeighbours(x, k, { queries: some, ...options }))
          expect(few.indices).toEqual(some.flatMap((row) => want.indices.slice(row * k, (row + 1) * k)))
          expect(few.distances).toEqual(some.flatMap((row) => want.distances.slice(row * k, (row + 1) * k)))
          const at = points(some.map((row) => rows[row]!))
          const given = await findNeighbours(x, k, { at, ...options })
          expect(some.map((_, q) => given.distances[q * k])).toEqual([0, 0])
        }
      }
    })
  }

  it('gives the same bits on two threads', async () => {
    for (const name of ['a grid stacked three times', 'rows of 300', 'a set and its mirror image']) {
      const x = points(SETS[name]!)
      const want = expected(x, 5)
      expect(read(await findNeighbours(x, 5, { threads: 2 }))).toEqual(want)
      expect(read(await findNeighbours(x, 5, { threads: 2, matmul: float32 }))).toEqual(want)
    }
  })

  it('sees the same ties after a shift, a reflection and a permutation of coordinates', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 4, max: 30 }),
        async (seed, d, n) => {
          const rng = random(seed)
          const rows = Array.from({ length: n }, () => Array.from({ length: d }, () => rng.integer(4)))
          const want = read(await findNeighbours(points(rows), 3))
          const others = [
            rows.map((row) => row.map((v) => 3 - v)),
            rows.map((row) => row.toReversed()),
            moved(rows, 1e6),
            moved(rows, -(2 ** 40)),
          ]
          for (const other of others) expect(read(await findNeighbours(points(other), 3))).toEqual(want)
          // A unit of another size keeps order and ties.
          const scaled = read(await findNeighbours(points(rows.map((row) => row.map((v) => v / 1024))), 3))
          expect(scaled).toEqual({ indices: want.indices, distances: want.distances.map((r) => r / 1024) })
        },
      ),
      { numRuns: 30 },
    )
  })
})

describe('pairs and neighbours share the tie rule', () => {
  it('corrInt and its rule agree on whole numbers, mirrored or not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const rng = random(seed)
        const rows = Array.from({ length: 80 }, () => Array.from({ length: 3 }, () => rng.integer(9)))
        const x = points(rows)
        const d = await corrInt(x, { near: 4, far: 12 })
        expect(globalDimension(x, corrIntRule({ near: 4, far: 12 }))).toBe(d)
        for (const other of [rows.map((row) => row.map((v) => 8 - v)), moved(rows, 1e6)]) {
          expect(await corrInt(points(other), { near: 4, far: 12 })).toBe(d)
          expect(globalDimension(points(other), corrIntRule({ near: 4, far: 12 }))).toBe(d)
        }
      }),
      { numRuns: 20 },
    )
  })

  it('a neighbourhood has squared distances to its centre that belong to its pairs', async () => {
    const { pointwiseDimensions } = await import('../../src/index.ts')
    const rows = [[0, 0, 0], ...octahedron(3, 0.3)]
    const seen: number[][] = []
    const rule = {
      name: 'spy',
      dimension(n: Parameters<ReturnType<typeof corrIntRule>['dimension']>[0]): number {
        const [squares, pairs] = [n.squares!(), n.pairSquares!()]
        expect([...squares].map(Math.sqrt)).toEqual([...n.distances])
        // Cosines at the centre of an octahedron are 0 and -1, exactly.
        for (let i = 0; i < n.count; i++)
          for (let j = 0; j < i; j++) seen.push([(squares[i]! + squares[j]! - pairs[i * n.count + j]!) / squares[i]!])
        return 0
      },
    }
    await pointwiseDimensions(points(rows), rule, { neighbours: 6, queries: [0] })
    await pointwiseDimensions(points(rows), rule, { neighbours: 6, at: points([[0, 0, 0]]) })
    expect(new Set(seen.flat())).toEqual(new Set([0, -2]))
  })
})
