// Toys in the plane that density models are shown with; each says whether it is made of curves or fills area.
import type { Random } from '@ood/core'
import { angle, mapPoint } from './internal/points.ts'
import type { Manifold } from './types.ts'

function toy(name: string, dimension: number, draw: (rng: Random) => readonly [number, number]): Manifold {
  return {
    name,
    shape: [2],
    dimensions: [dimension],
    build: () => (rng, out, at) => mapPoint(out, at, 0, ...draw(rng)),
  }
}

/** Two interleaved half circles of radius 1. LID 1. */
export function twoMoons(): Manifold {
  return toy('two_moons', 1, (rng) => {
    const upper = rng.uniform() < 0.5
    const a = Math.PI * rng.uniform()
    return upper ? [Math.cos(a), Math.sin(a)] : [1 - Math.cos(a), 0.5 - Math.sin(a)]
  })
}

/** Two circles around 0, of radii 1 and 0.5. LID 1. */
export function twoCircles(): Manifold {
  return toy('two_circles', 1, (rng) => {
    const radius = rng.uniform() < 0.5 ? 1 : 0.5
    const a = angle(rng)
    return [radius * Math.cos(a), radius * Math.sin(a)]
  })
}

/** Two opposite arms of a spiral of one and a half turns. LID 1. */
export function twoSpirals(): Manifold {
  return toy('two_spirals', 1, (rng) => {
    const side = rng.uniform() < 0.5 ? -1 : 1
    const a = 3 * Math.PI * Math.sqrt(rng.uniform())
    return [(side * a * Math.cos(a)) / Math.PI, (side * a * Math.sin(a)) / Math.PI]
  })
}

/** Eight Gaussians of deviation 0.2 on a circle of radius 2. LID 2. */
export function eightGaussians(): Manifold {
  return toy('eight_gaussians', 2, (rng) => {
    const a = (Math.PI / 4) * rng.integer(8)
    return [2 * Math.cos(a) + 0.2 * rng.normal(), 2 * Math.sin(a) + 0.2 * rng.normal()]
  })
}

/** The dark fields of a 4 x 4 board over [-2, 2]². LID 2. */
export function checkerboard(): Manifold {
  return toy('checkerboard', 2, (rng) => {
    const column = rng.integer(4)
    const row = 2 * rng.integer(2) + (column % 2)
    return [column - 2 + rng.uniform(), row - 2 + rng.uniform()]
  })
}

/** Five bent arms: Gaussian blades turned by an angle that decays with the radius. LID 2. */
export function pinwheel(): Manifold {
  return toy('pinwheel', 2, (rng) => {
    const arm = rng.integer(5)
    const radial = 1 + 0.3 * rng.normal()
    const tangential = 0.05 * rng.normal()
    const a = (2 * Math.PI * arm) / 5 + 0.25 * Math.exp(radial)
    return [
      2 * (radial * Math.cos(a) - tangential * Math.sin(a)),
      2 * (radial * Math.sin(a) + tangential * Math.cos(a)),
    ]
  })
}
