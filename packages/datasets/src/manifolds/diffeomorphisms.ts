// Smooth invertible maps of R^D with random parameters: squiggles, coupling flows, rotations. They preserve the LID.
import { mismatch, type Random } from '@ood/core'
import { multiply, randomIsometry } from './internal/orthogonal.ts'
import type { Diffeomorphism, PointMap } from './types.ts'

/** Parameters of one squiggle step. */
export interface SquiggleStep {
  /** Frequency f > 0. */
  frequency: number
  /** Slope left at the flattest point, 0 < kappa <= 1: the map stretches by kappa to 2 - kappa. */
  kappa: number
  /** Coordinates the sine leaves alone (non-zero = leave). */
  keep: ArrayLike<number>
  /** Coordinates that keep their sign (non-zero = keep). */
  keepSign: ArrayLike<number>
  /** Orthogonal D x D matrix, row-major, that the row is multiplied by from the right. */
  rotation: Float64Array
}

/**
 * One step of the squiggly map, in place: x <- x + (1 - kappa) sin(f x) / f on the chosen coordinates,
 * then sign flips, then x <- x R.
 */
export function squiggleStep(step: SquiggleStep): PointMap {
  const { frequency, kappa, keep, keepSign, rotation } = step
  const d = keep.length
  if (rotation.length !== d * d) throw mismatch('E_SHAPE', 'squiggle rotation', `${d * d} numbers`, rotation.length)
  const bent = new Float64Array(d)
  return (x) => {
    for (let j = 0; j < d; j++) {
      const moved = keep[j] ? x[j]! : x[j]! + ((1 - kappa) * Math.sin(frequency * x[j]!)) / frequency
      bent[j] = keepSign[j] ? moved : -moved
    }
    for (let j = 0; j < d; j++) {
      let sum = 0
      for (let i = 0; i < d; i++) sum += bent[i]! * rotation[i * d + j]!
      x[j] = sum
    }
  }
}

/**
 * The squiggly diffeomorphism: five steps, each a sine on a random half of the coordinates, random sign
 * flips and a random rotation. Higher frequencies bend more sharply. Cost of drawing 20 D³, of a point 10 D².
 *
 * @param options - `frequency` f, `steps` (5), `kappa` (1e-4)
 * @throws OodError `E_ARGUMENT`
 */
export function squiggly(options: { frequency: number; steps?: number; kappa?: number }): Diffeomorphism {
  const { frequency, steps = 5, kappa = 1e-4 } = options
  if (!(frequency > 0)) throw mismatch('E_ARGUMENT', 'squiggly frequency', 'a positive number', frequency)
  if (!(kappa > 0 && kappa <= 1)) throw mismatch('E_ARGUMENT', 'squiggly kappa', '0 < kappa <= 1', kappa)
  return (rng, d) =>
    chain(
      Array.from({ length: steps }, (_, i) => {
        const draw = rng.fork(`squiggle ${i}`)
        return squiggleStep({
          frequency,
          kappa,
          keep: halfMask(draw, d),
          keepSign: Uint8Array.from({ length: d }, () => (draw.uniform() < 0.5 ? 1 : 0)),
          rotation: randomIsometry(draw, d, d),
        })
      }),
    )
}

/**
 * A fixed rotation as the product of Givens rotations, one angle (radians) for each plane in the order
 * (0, 1), (0, 2), ..., (0, D - 1), (1, 2), ...; fewer angles leave the remaining planes alone.
 *
 * @throws OodError `E_ARGUMENT` for more angles than planes
 */
export function rotation(angles: ArrayLike<number>): Diffeomorphism {
  return (_, d) => {
    if (angles.length > (d * (d - 1)) / 2)
      throw mismatch('E_ARGUMENT', 'rotation', `at most ${(d * (d - 1)) / 2} angles in ${d} dimensions`, angles.length)
    return (x) => {
      let k = 0
      for (let i = 0; i < d && k < angles.length; i++)
        for (let j = i + 1; j < d && k < angles.length; j++, k++) {
          const [c, s] = [Math.cos(angles[k]!), Math.sin(angles[k]!)]
          const [a, b] = [x[i]!, x[j]!]
          x[i] = c * a - s * b
          x[j] = s * a + c * b
        }
    }
  }
}

/** A random linear isometry of R^D. */
export function randomRotation(): Diffeomorphism {
  return (rng, d) => {
    const q = randomIsometry(rng, d, d)
    const out = new Float64Array(d)
    return (x) => {
      multiply(q, x, d, out)
      x.set(out)
    }
  }
}

/** Maps one after another. */
export function chain(maps: readonly PointMap[]): PointMap {
  return (x) => {
    for (const map of maps) map(x)
  }
}

/** Half of 0..d-1 (rounded down) marked 1, at random. */
function halfMask(rng: Random, d: number): Uint8Array {
  const mask = new Uint8Array(d)
  for (let left = Math.floor(d / 2); left > 0; ) {
    const j = rng.integer(d)
    if (mask[j]) continue
    mask[j] = 1
    left -= 1
  }
  return mask
}
