// Scores of latents under N(0, I): their norm, and the mass of a box around them.
import { flatData, mismatch, type NdArray, rowCount, rowSize } from '@ood/core'
import { normalMass } from './internal/special.ts'
import { assertBall, lpNorm, type Norm } from './lp-ball.ts'

/** Bounds that a factor of the box mass is clipped to: one coordinate alone must not decide. */
const [LEAST, MOST] = [1e-6, 1]

/**
 * ‖z‖_p of every row; p = Infinity is the largest coordinate. For a flow's latents ½ ‖z‖² is what log p loses against the
 * top of the base density.
 *
 * @throws OodError `E_ARGUMENT` for p below 1
 * @example
 * const norms = latentNorms(await flow.encode(images))
 */
export function latentNorms(z: NdArray, p: Norm = 2): Float64Array {
  assertBall('latentNorms', 1, p)
  const d = rowSize(z)
  const values = flatData(z)
  return Float64Array.from({ length: rowCount(z, 'latentNorms') }, (_, row) => lpNorm(values, p, row * d, d))
}

/**
 * ln of the mass that N(0, I) gives the box of half-width r around every row,
 *
 *     Σ_i ln clip(Φ(z_i + r) - Φ(z_i - r), 1e-6, 1)
 *
 * the published latent probability, for the maximum norm. `clip: false` leaves the bounds out.
 *
 * @throws OodError `E_ARGUMENT` for a radius that is no positive number
 * @example
 * const logMass = latentBoxLogMass(await flow.encode(images), 0.1)
 */
export function latentBoxLogMass(z: NdArray, radius: number, options: { clip?: boolean } = {}): Float64Array {
  if (!(radius > 0 && Number.isFinite(radius)))
    throw mismatch('E_ARGUMENT', 'latentBoxLogMass radius', 'a positive number', radius)
  const { clip = true } = options
  const d = rowSize(z)
  const values = flatData(z)
  return Float64Array.from({ length: rowCount(z, 'latentBoxLogMass') }, (_, row) => {
    let sum = 0
    for (let i = row * d; i < (row + 1) * d; i++) {
      const mass = normalMass(values[i]!, radius)
      sum += Math.log(clip ? Math.min(MOST, Math.max(LEAST, mass)) : mass)
    }
    return sum
  })
}
