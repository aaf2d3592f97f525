// Canonical JSON: the same text for the same value, whatever the order of keys.
import { canonicalJson } from '@ood/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test('keys are in order at every depth, lists stay as they are, undefined vanishes', () => {
  expect(canonicalJson({ b: [{ d: 1, c: 2 }, 'x'], a: undefined, A: null })).toBe('{"A":null,"b":[{"c":2,"d":1},"x"]}')
})

test('order of insertion does not matter and the value survives', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const backwards = Object.fromEntries(Object.entries(value).reverse())
      const text = canonicalJson(value)
      expect(canonicalJson(backwards)).toBe(text)
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})
