// Samples of known dimension: cubes, spheres and rolls in random planes of a larger space.
import { type NdArray, normals, type Random, random, tensor } from '@ood/core'

/** n points whose coordinates in a random m-dimensional frame of R^ambient are given by `draw`. */
export function framed(
  seed: number,
  n: number,
  m: number,
  ambient: number,
  draw: (rng: Random) => ArrayLike<number>,
): NdArray<Float64Array> {
  const rng = random(seed)
  const frame = orthonormal(normals(rng, m * ambient), m, ambient)
  const out = new Float64Array(n * ambient)
  for (let i = 0; i < n; i++) {
    const coordinates = draw(rng)
    for (let l = 0; l < m; l++)
      for (let j = 0; j < ambient; j++) out[i * ambient + j]! += coordinates[l]! * frame[l * ambient + j]!
  }
  return tensor(out, [n, ambient])
}

/** Uniform in the m-cube. */
export const cube = (seed: number, n: number, m: number, ambient: number): NdArray<Float64Array> =>
  framed(seed, n, m, ambient, (rng) => Array.from({ length: m }, () => rng.uniform()))

/** Uniform in the m-ball. */
export const ball = (seed: number, n: number, m: number, ambient: number): NdArray<Float64Array> =>
  framed(seed, n, m, ambient, (rng) => {
    const g = normals(rng, m)
    const scale = rng.uniform() ** (1 / m) / Math.hypot(...g)
    return g.map((value) => value * scale)
  })

/** Uniform on the m-sphere, which lies in m + 1 dimensions. */
export const sphere = (seed: number, n: number, m: number, ambient: number): NdArray<Float64Array> =>
  framed(seed, n, m + 1, ambient, (rng) => {
    const g = normals(rng, m + 1)
    const length = Math.hypot(...g)
    return g.map((value) => value / length)
  })

/** A swiss roll: a rectangle rolled up in three dimensions. */
export const swissRoll = (seed: number, n: number, ambient: number): NdArray<Float64Array> =>
  framed(seed, n, 3, ambient, (rng) => {
    const t = 1.5 * Math.PI * (1 + 2 * rng.uniform())
    return [t * Math.cos(t), 21 * rng.uniform(), t * Math.sin(t)]
  })

/** The rows made orthonormal, in place (Gram-Schmidt). */
export function orthonormal(A: Float64Array, rows: number, cols: number): Float64Array {
  for (let i = 0; i < rows; i++) {
    const row = A.subarray(i * cols, (i + 1) * cols)
    for (let p = 0; p < i; p++) {
      const other = A.subarray(p * cols, (p + 1) * cols)
      const dot = row.reduce((sum, value, j) => sum + value * other[j]!, 0)
      for (let j = 0; j < cols; j++) row[j]! -= dot * other[j]!
    }
    const length = Math.hypot(...row)
    for (let j = 0; j < cols; j++) row[j]! /= length
  }
  return A
}
