// What data a detector was made for: shape of a row, value range, whole numbers or not. Other data is refused.
import { assertFinite, flatData, mismatch, type NdArray, OodError } from '@ood/core'

/** Shape and values of the data a detector works on; fields are null until given or learnt. */
export interface DataProfile {
  /** Shape of one row. */
  shape: number[] | null
  /** Smallest and largest value. */
  valueRange: [number, number] | null
  /** `given`: the bounds are the data's own, as [0, 255] of bytes. `learnt`: extremes of calibration data. `any`: unchecked. */
  rangeSource: 'given' | 'learnt' | 'any' | null
  /** Calibration data held whole numbers only; null before any was seen. */
  wholeNumbers: boolean | null
}

/** A profile from what the caller gave. */
export function givenProfile(
  shape: readonly number[] | undefined,
  range: readonly [number, number] | 'any' | undefined,
): DataProfile {
  if (shape && !shape.every((n) => Number.isSafeInteger(n) && n > 0))
    throw mismatch('E_ARGUMENT', 'dataShape', 'sizes of at least 1', [...shape])
  if (Array.isArray(range) && !(range.length === 2 && range.every(Number.isFinite) && range[0]! < range[1]!))
    throw mismatch('E_ARGUMENT', 'valueRange', '[smallest, largest]', [...range])
  return {
    shape: shape ? [...shape] : null,
    valueRange: range === undefined || range === 'any' ? null : [range[0], range[1]],
    rangeSource: range === undefined ? null : range === 'any' ? 'any' : 'given',
    wholeNumbers: null,
  }
}

/**
 * Throws unless `x` is data of the profile: `E_SHAPE`, `E_NOT_FINITE`, `E_ARGUMENT` for the range.
 *
 * Learnt bounds are extremes of a sample, so they are taken with one width of slack either side: outliers of the same
 * units pass and are scored, bytes given to a detector of unit-scaled data do not. The opposite mistake, unit-scaled
 * data given to a detector of bytes, shows by its fractions.
 */
export function assertProfile(what: string, x: NdArray, profile: DataProfile): void {
  if (x.shape.length < 2) throw mismatch('E_SHAPE', what, 'a batch of rows [N, ...]', [...x.shape])
  const row = x.shape.slice(1)
  if (profile.shape && row.join() !== profile.shape.join())
    throw new OodError('E_SHAPE', `${what}: expected rows of shape [${profile.shape}], got [${row}]`)
  assertFinite(what, x)
  const { valueRange, rangeSource, wholeNumbers } = profile
  if (rangeSource === 'any') return
  const [smallest, largest] = valueRange ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  const slack = rangeSource === 'learnt' ? largest - smallest : 0
  const data = flatData(x)
  const size = Math.max(1, data.length / Math.max(1, x.shape[0]!))
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!
    if (value < smallest - slack || value > largest + slack) {
      const expected = slack > 0 ? "values like the calibration data's" : 'values in'
      throw mismatch('E_ARGUMENT', what, `${expected} [${valueRange}]`, `${value} in row ${Math.floor(i / size)}`)
    }
    if (wholeNumbers && !Number.isInteger(value))
      throw mismatch(
        'E_ARGUMENT',
        what,
        'whole numbers like the calibration data (is it scaled differently?)',
        `${value} in row ${Math.floor(i / size)}`,
      )
  }
}

/** The profile with what `x` teaches; given bounds stay. */
export function learnProfile(x: NdArray, profile: DataProfile): DataProfile {
  const shape = profile.shape ?? x.shape.slice(1)
  if (profile.rangeSource === 'any') return { ...profile, shape }
  let [smallest, largest] = profile.valueRange ?? [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  let whole = profile.wholeNumbers ?? true
  for (const value of flatData(x)) {
    if (value < smallest) smallest = value
    if (value > largest) largest = value
    if (whole && !Number.isInteger(value)) whole = false
  }
  return {
    shape,
    valueRange: profile.rangeSource === 'given' ? profile.valueRange : [smallest, largest],
    rangeSource: profile.rangeSource ?? 'learnt',
    wholeNumbers: whole,
  }
}
