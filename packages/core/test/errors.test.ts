// Errors: one line of the form "what: expected X, got Y", with a code.
import { mismatch, OodError, unknownName } from '@ood/core'
import { expect, test } from 'vitest'

test('an OodError is an Error with a code, a name and a cause', () => {
  const cause = new Error('below')
  const error = new OodError('E_FILE', 'manifest.json: expected a file, got none', { cause })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ name: 'OodError', code: 'E_FILE', cause })
  expect(String(error)).toBe('OodError: manifest.json: expected a file, got none')
})

test.each([
  ['text', 'text'],
  ['', 'an empty string'],
  ['two\nlines\tand tabs', 'two lines and tabs'],
  [3.5, '3.5'],
  [Number.NaN, 'NaN'],
  [7n, '7'],
  [true, 'true'],
  [null, 'null'],
  [undefined, 'undefined'],
  [[1, 'a', [2]], '[1, a, [2]]'],
  [Array(9).fill(0), '[0, 0, 0, 0, 0, 0, 0, 0, ...]'],
  [new Float32Array(3), 'Float32Array of 12 bytes'],
  [{ a: 1 }, 'object'],
  ['x'.repeat(300), `${'x'.repeat(200)}...`],
] as [unknown, string][])('mismatch shows a value in short: case %#', (value, shown) => {
  const error = mismatch('E_ARGUMENT', 'k', 'a positive integer', value)
  expect(error.code).toBe('E_ARGUMENT')
  expect(error.message).toBe(`k: expected a positive integer, got ${shown}`)
})

test('an unknown name lists the known ones', () => {
  const error = unknownName('data set', 'mnits', ['fmnist', 'mnist'])
  expect(error).toMatchObject({
    code: 'E_UNKNOWN_NAME',
    message: 'data set: expected one of fmnist, mnist, got mnits',
  })
})
