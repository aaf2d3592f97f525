// Units of raw data: what is refused, what passes, and the hint.
import { assertUnits, type DataUnits, tensor } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const BYTES: DataUnits = { valueRange: [0, 255], wholeNumbers: true }
const LEVELS: DataUnits = { valueRange: [0, 255], manyLevels: true }
const UNIT: DataUnits = { valueRange: [0, 1] }

const rows = (...values: number[][]) => tensor(Float64Array.from(values.flat()), [values.length, values[0]!.length])
const check = (units: DataUnits, ...values: number[][]) => assertUnits('logProb', rows(...values), units)

describe('assertUnits', () => {
  test.each<[string, DataUnits, number[][], string]>([
    ['[0, 1] for bytes', BYTES, [[0, 0.5, 1]], 'expected integers in [0, 255], got 0.5 in row 0 at position 1 (images in [0, 1]? multiply them by 255)'], // biome-ignore format: one case a line
    ['[-1, 1] for bytes', BYTES, [[-1, 0.5, 1]], 'got -1 in row 0 at position 0 (images in [-1, 1]? use 127.5 * (x + 1))'], // biome-ignore format: one case a line
    ['half bytes', BYTES, [[1, 2, 3], [3, 100.5, 2]], 'got 100.5 in row 1 at position 1 (round them to whole numbers)'], // biome-ignore format: one case a line
    ['16 bits for bytes', BYTES, [[1, 20000, 3]], 'got 20000 in row 0 at position 1 (16-bit images? divide them by 257 and round)'], // biome-ignore format: one case a line
    ['5 bits in [0, 1]', { valueRange: [0, 31], wholeNumbers: true }, [[0, 0.25]], 'multiply them by 31'], // biome-ignore format: one case a line
    ['[0, 1] for grey levels', LEVELS, [[0, 200], [0, 0.5]], 'expected values in [0, 255], got 0.5 in row 1 at position 1'], // biome-ignore format: one case a line
    ['all rows in [0, 1] for grey levels', LEVELS, [[0, 0.5]], '(images in [0, 1]? multiply them by 255)'], // biome-ignore format: one case a line
    ['bytes for [0, 1]', UNIT, [[0, 128]], 'expected values in [0, 1], got 128 in row 0 at position 1 (bytes? divide them by 255)'], // biome-ignore format: one case a line
    ['bytes for [-1, 1]', { valueRange: [-1, 1] }, [[0, 128]], '(bytes? use x / 127.5 - 1)'], // biome-ignore format: one case a line
    ['bytes for a sample of [0, 1]', { valueRange: [0, 1], slack: 1 }, [[0, 128]], '(bytes? divide them by 255)'], // biome-ignore format: one case a line
    ['tokens', { valueRange: [0, 4], wholeNumbers: true }, [[0, 5]], 'logProb: expected integers in [0, 4], got 5 in row 0 at position 1'], // biome-ignore format: one case a line
  ])('%s are refused', (_, units, values, message) => {
    expect(() => check(units, ...values)).toThrowError(
      expect.objectContaining({ code: 'E_ARGUMENT', message: expect.stringContaining(message) }),
    )
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%s is no number of any units', (value) => {
    for (const units of [BYTES, LEVELS, UNIT, { valueRange: null }])
      expect(() => check(units, [0, value])).toThrowError(
        expect.objectContaining({
          code: 'E_NOT_FINITE',
          message: `logProb: expected finite numbers, got ${value} in row 0 at position 1`,
        }),
      )
  })

  test('what is right passes: black images, fractions of grey levels, outliers of a sample, anything where nothing is known', () => {
    check(BYTES, [0, 0], [0, 255])
    check(LEVELS, [0, 0], [1, 1], [0.5, 200])
    check(UNIT, [0, 0.3], [1, 1])
    check({ valueRange: [0, 1], slack: 1 }, [-1, 2])
    check({ valueRange: null }, [-1e9, 0.5])
    assertUnits('logProb', tensor(new Float32Array(0), [0, 3]), BYTES)
  })

  test('a row is judged by itself: a batch is refused exactly when one of its rows is', () => {
    const row = fc.array(fc.oneof(fc.integer({ min: -1, max: 256 }), fc.double({ min: 0, max: 1, noNaN: true })), {
      minLength: 3,
      maxLength: 3,
    })
    const refused = (values: number[][]): boolean => {
      try {
        check(LEVELS, ...values)
        return false
      } catch {
        return true
      }
    }
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 4 }), (values) => {
        expect(refused(values)).toBe(values.some((one) => refused([one])))
      }),
    )
  })
})
