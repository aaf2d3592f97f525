// Curved surfaces in a few dimensions: swiss roll, torus with its circle, spheres, the Klein bottle, von Mises circle.
import { mismatch } from '@ood/core'
import { angle, mapPoint, vonMises } from './internal/points.ts'
import type { Manifold } from './types.ts'

/**
 * Swiss roll in R³: t = 1.5 pi (1 + 2 u), point (t cos t, 21 u', t sin t). LID 2.
 *
 * @param options - `noise`: standard deviation of Gaussian noise on every coordinate; any noise makes the LID 3
 */
export function swissRoll(options: { noise?: number } = {}): Manifold {
  const { noise = 0 } = options
  if (!(noise >= 0 && Number.isFinite(noise))) throw mismatch('E_ARGUMENT', 'swissRoll noise', 'a number >= 0', noise)
  return {
    name: 'swiss_roll',
    shape: [3],
    dimensions: [noise > 0 ? 3 : 2],
    build: () => (rng, out, at) => {
      const t = 1.5 * Math.PI * (1 + 2 * rng.uniform())
      const height = 21 * rng.uniform()
      mapPoint(out, at, 0, t * Math.cos(t), height, t * Math.sin(t))
      if (noise > 0) for (let j = 0; j < 3; j++) out[at + j] = out[at + j]! + noise * rng.normal()
      return 0
    },
  }
}

/**
 * Torus of radii R and r in R³ mixed with its central circle. Component 0: circle (LID 1) with
 * probability `circle`; component 1: torus (LID 2), uniform in both angles (so not in area).
 *
 * @param options - `major` R (10), `minor` r (1), `circle` probability (0.5)
 */
export function torusCircle(options: { major?: number; minor?: number; circle?: number } = {}): Manifold {
  const { major = 10, minor = 1, circle = 0.5 } = options
  if (!(circle >= 0 && circle <= 1)) throw mismatch('E_ARGUMENT', 'torusCircle circle', 'a probability', circle)
  return {
    name: 'torus_circle',
    shape: [3],
    dimensions: [1, 2],
    build: () => (rng, out, at) => {
      const theta = angle(rng)
      const phi = angle(rng)
      if (rng.uniform() < circle) return mapPoint(out, at, 0, major * Math.cos(theta), major * Math.sin(theta), 0)
      const ring = major + minor * Math.cos(phi)
      return mapPoint(out, at, 1, ring * Math.cos(theta), ring * Math.sin(theta), minor * Math.sin(phi))
    },
  }
}

/** The unit sphere S^d in R^(d+1), uniform: a normalised Gaussian. LID d. */
export function sphere(d: number): Manifold {
  if (!(Number.isSafeInteger(d) && d >= 1)) throw mismatch('E_ARGUMENT', 'sphere dimension', 'a positive integer', d)
  return {
    name: `sphere_${d}d`,
    shape: [d + 1],
    dimensions: [d],
    build: () => (rng, out, at) => {
      let squares = 0
      for (let j = 0; j <= d; j++) {
        const value = rng.normal()
        out[at + j] = value
        squares += value * value
      }
      for (let j = 0; j <= d; j++) out[at + j] = out[at + j]! / Math.sqrt(squares)
      return 0
    },
  }
}

/**
 * Klein bottle in R⁴, uniform in area by rejection: ((R + r cos v) cos u, (R + r cos v) sin u, r sin v cos(u/2),
 * r sin v sin(u/2)), whose area element is r sqrt((R + r cos v)² + (r sin v / 2)²). LID 2.
 */
export function kleinBottle(options: { major?: number; minor?: number } = {}): Manifold {
  const { major = 2, minor = 1 } = options
  if (!(minor > 0 && major > minor)) throw mismatch('E_ARGUMENT', 'kleinBottle', 'major > minor > 0', [major, minor])
  const most = Math.hypot(major + minor, minor / 2)
  return {
    name: 'klein_bottle',
    shape: [4],
    dimensions: [2],
    build: () => (rng, out, at) => {
      for (;;) {
        const u = angle(rng)
        const v = angle(rng)
        const ring = major + minor * Math.cos(v)
        const across = minor * Math.sin(v)
        if (rng.uniform() * most >= Math.hypot(ring, across / 2)) continue
        return mapPoint(
          out,
          at,
          0,
          ring * Math.cos(u),
          ring * Math.sin(u),
          across * Math.cos(u / 2),
          across * Math.sin(u / 2),
        )
      }
    },
  }
}

/**
 * A circle of `radius` around 0 in R² with von Mises angles (by default location 0, kappa 2). LID 1.
 *
 * @param options - `location` (radians), `kappa` >= 0, `radius`
 */
export function vonMisesCircle(options: { location?: number; kappa?: number; radius?: number } = {}): Manifold {
  const { location = 0, kappa = 2, radius = 1 } = options
  if (!(kappa >= 0 && Number.isFinite(kappa))) throw mismatch('E_ARGUMENT', 'vonMisesCircle kappa', 'kappa >= 0', kappa)
  return {
    name: 'von_mises_circle',
    shape: [2],
    dimensions: [1],
    build: () => (rng, out, at) => {
      const a = vonMises(rng, location, kappa)
      return mapPoint(out, at, 0, radius * Math.cos(a), radius * Math.sin(a))
    },
  }
}
