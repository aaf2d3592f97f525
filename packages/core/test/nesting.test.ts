// Depth of parsed JSON, at the limit, beyond it, and far beyond any stack.
import { isNestedDeeper } from '@ood/core'
import { expect, test } from 'vitest'

test('counts lists and objects in one another', () => {
  expect(isNestedDeeper(1, 0)).toBe(false)
  expect(isNestedDeeper([], 0)).toBe(true)
  expect(isNestedDeeper([1, 2], 1)).toBe(false)
  expect(isNestedDeeper({ a: [{ b: 1 }] }, 3)).toBe(false)
  expect(isNestedDeeper({ a: [{ b: 1 }] }, 2)).toBe(true)
  expect(isNestedDeeper({ a: new Float64Array(3), b: null }, 1)).toBe(false)
  expect(isNestedDeeper(JSON.parse(`${'['.repeat(300_000)}${']'.repeat(300_000)}`), 100)).toBe(true)
})
