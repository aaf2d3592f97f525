// Counts: whole, and at least so many.
import { assertCount } from '@ood/core'
import { expect, test } from 'vitest'

test('whole numbers from the least on pass', () => {
  for (const [value, least] of [
    [0, 0],
    [1, 1],
    [7, undefined],
    [3, 3],
    [Number.MAX_SAFE_INTEGER, 1],
  ] as const)
    expect(() => assertCount('n', value, least)).not.toThrow()
})

test.each([
  [-1, 0, '0 or a positive integer'],
  [0, undefined, 'a positive integer'],
  [1.5, 1, 'a positive integer'],
  [Number.NaN, 1, 'a positive integer'],
  [Number.POSITIVE_INFINITY, 0, '0 or a positive integer'],
  [2 ** 53, 0, '0 or a positive integer'],
  [2, 3, 'an integer of at least 3'],
])('%s is no count of at least %s', (value, least, expected) => {
  expect(() => assertCount('n', value, least)).toThrow(`n: expected ${expected}, got ${value}`)
})
