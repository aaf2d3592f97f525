// Where the components of a mixture stand: at equal distances from each other.
import { mismatch } from '@ood/core'

/**
 * M modes in R^D: vertices (e_i - 1/2) distance / sqrt 2 of a regular simplex when M <= D, so every two
 * are `distance` apart; else on a circle in the first two coordinates with neighbours `distance` apart. (The published
 * bisection for the circle compares with a fixed point, so its spacing is wrong; this one is in closed form.)
 *
 * @throws OodError `E_ARGUMENT` for more than one mode in R¹
 * @example
 * simplexModes(3, 4, 10) // three rows of four numbers, 10 apart
 */
export function simplexModes(count: number, ambient: number, distance: number): Float64Array[] {
  const modes = Array.from({ length: count }, () => new Float64Array(ambient))
  if (count <= ambient) {
    modes.forEach((mode, i) => {
      for (let j = 0; j < ambient; j++) mode[j] = ((i === j ? 1 : 0) - 0.5) * Math.SQRT1_2 * distance
    })
    return modes
  }
  if (ambient < 2) throw mismatch('E_ARGUMENT', 'modes', 'at least 2 ambient dimensions for several modes', ambient)
  const radius = distance / (2 * Math.sin(Math.PI / count))
  modes.forEach((mode, i) => {
    mode[0] = radius * Math.cos((2 * Math.PI * i) / count)
    mode[1] = radius * Math.sin((2 * Math.PI * i) / count)
  })
  return modes
}
