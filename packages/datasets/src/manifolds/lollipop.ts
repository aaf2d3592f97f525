// The lollipop of the LID literature: a disc, a segment and a point in the plane, so dimensions 2, 1 and 0 in one set.
import { mapPoint } from './internal/points.ts'
import type { Manifold } from './types.ts'

const CENTRE = 3
const HANDLE = 1.5
/** The rim point of the candy nearest to the handle's end, on the diagonal. */
const RIM: number = CENTRE - Math.SQRT1_2

/**
 * Lollipop in R²: with probability 4/7 the candy, a disc of radius 1 around (3, 3), uniform (LID 2); 2/7
 * the stick, a segment from (1.5, 1.5) to the candy's rim (LID 1); 1/7 the dot (0, 0) (LID 0). The component's number
 * is its dimension.
 *
 * @example
 * const { points, lid } = manifoldSet(lollipop(), { n: 1000, seed: 42 }).all()
 */
export function lollipop(): Manifold {
  return {
    name: 'lollipop',
    shape: [2],
    dimensions: [0, 1, 2],
    build: () => (rng, out, at) => {
      const decision = rng.uniform()
      const radius = Math.sqrt(rng.uniform())
      const angle = 2 * Math.PI * rng.uniform()
      const along = rng.uniform()
      if (decision < 4 / 7)
        return mapPoint(out, at, 2, CENTRE + radius * Math.cos(angle), CENTRE + radius * Math.sin(angle))
      if (decision < 6 / 7) {
        const place = HANDLE + along * (RIM - HANDLE)
        return mapPoint(out, at, 1, place, place)
      }
      return mapPoint(out, at, 0, 0, 0)
    },
  }
}
