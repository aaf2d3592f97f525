// Mondrian images: two random lines on four constant colours, pictures whose degrees of freedom can be counted.
import { mismatch } from '@ood/core'
import type { Manifold } from './types.ts'

/**
 * Colour images [3, size, size] in [0, 1): a row and a column, both from [4, size - 4), cut the picture
 * into four rectangles of one random colour each; every pixel of the row and the column is random.
 *
 * The places are discrete, so the LID is the number of free values: 4 colours and 2 size - 1 pixels, three channels
 * each: 3 (4 + 2 size - 1); 201 for size 32. The reference leaves it without a label.
 *
 * @param size - side in pixels, at least 9
 */
export function mondrian(size = 32): Manifold {
  if (!(Number.isSafeInteger(size) && size >= 9)) throw mismatch('E_ARGUMENT', 'mondrian size', 'at least 9', size)
  return {
    name: `mondrian_${size}`,
    shape: [3, size, size],
    dimensions: [3 * (4 + 2 * size - 1)],
    build: () => (rng, out, at) => {
      const row = 4 + rng.integer(size - 8)
      const column = 4 + rng.integer(size - 8)
      for (let channel = 0; channel < 3; channel++) {
        const colours = [rng.uniform(), rng.uniform(), rng.uniform(), rng.uniform()]
        const plane = at + channel * size * size
        for (let i = 0; i < size; i++)
          for (let j = 0; j < size; j++) {
            const line = i === row || j === column
            out[plane + i * size + j] = line ? rng.uniform() : colours[(i > row ? 2 : 0) + (j > column ? 1 : 0)]!
          }
      }
      return 0
    },
  }
}
