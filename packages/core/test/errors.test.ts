// Errors: one line of the form "what: expected X, got Y", with a code.
import { mismatch, OodError, unknownName } from '@ood/core'
import { describe, expect, test } from 'vitest'

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

describe('a message is one line below 300 characters', () => {
  const nested = (depth: number): unknown => {
    let value: unknown = 1
    for (let i = 0; i < depth; i++) value = [value]
    return value
  }
  const wide = (depth: number): unknown => (depth === 0 ? 'y'.repeat(500) : Array(100).fill(wide(depth - 1)))

  test.each([
    ['300,000 lists in one another', nested(300_000)],
    ['lists of lists of long texts', wide(3)],
    ['a long text', 'z'.repeat(1e6)],
    ['a huge bigint', 10n ** 10_000n],
    ['a wide object', Object.fromEntries(Array.from({ length: 1e4 }, (_, i) => [`key${i}`, i]))],
  ])('showing %s', (_what, value) => {
    const { message } = mismatch('E_MANIFEST', 'run/manifest.json name', 'a non-empty string', value)
    expect(message.length).toBeLessThan(300)
    expect(message).toMatch(/^run\/manifest\.json name: expected a non-empty string, got /)
  })

  test('a long path keeps its file name, long lists and values lose their ends', () => {
    const path = `/${'folder/'.repeat(500)}scores.csv`
    const { message } = mismatch('E_FILE', path, `a column ${'c'.repeat(1000)}`, Array(8).fill('d'.repeat(300)))
    expect(message.length).toBeLessThan(300)
    expect(message).toMatch(/^\/folder\/.*\.\.\..*\/scores\.csv: expected a column c+\.\.\., got \[d+\.\.\.$/)
    expect(unknownName('model', 'x', Array(500).fill('name')).message).toMatch(
      /^model: expected one of 500 names such as name(, name)*, got x$/,
    )
    expect(new OodError('E_FILE', `${path}: ${'e'.repeat(9e5)}`).message.length).toBeLessThan(300)
  })

  test('control characters of a file do not reach the terminal', () => {
    const { message } = mismatch('E_FILE', 'a\u001b[31m.csv', 'a number', '1\u0000\u009b2\r\n3')
    expect(message).toBe('a [31m.csv: expected a number, got 1 2 3')
  })
})

test('an unknown name lists the known ones', () => {
  const error = unknownName('data set', 'mnits', ['fmnist', 'mnist'])
  expect(error).toMatchObject({
    code: 'E_UNKNOWN_NAME',
    message: 'data set: expected one of fmnist, mnist, got mnits',
  })
})

test('of names that do not fit a line the nearest come first, whole', () => {
  const names = Array.from({ length: 60 }, (_, i) => `checkpoint-${String(i).padStart(2, '0')}`)
  const { message } = unknownName('model', 'Checkpoint-57', names)
  expect(message).toMatch(
    /^model: expected one of 60 names such as checkpoint-57(, checkpoint-\d\d)+, got Checkpoint-57$/,
  )
  expect(unknownName('model', 'x'.repeat(1e6), Array(1e5).fill('n'.repeat(500))).message.length).toBeLessThan(300)
})

test('long paths lose their middle before the words between them do', () => {
  const folder = `/${'a-folder-deep-in-a-disk/'.repeat(8)}absent`
  const message = `${folder}: expected a sequence folder: manifest.json; ${folder}/manifest.json: expected a file, got none`
  const shown = new OodError('E_FILE', message).message
  expect(shown.length).toBeLessThan(300)
  expect(shown).toMatch(
    /^\/a-folder-\S+\.\.\.\S+\/absent: expected a sequence folder: manifest\.json; \/a-\S+\.\.\.\S+\/manifest\.json: expected a file, got none$/,
  )
})
