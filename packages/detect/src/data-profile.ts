// What data a detector was made for: shape of a row, value range, whole numbers or not. Other data is refused.
import { assertBatch, assertFinite, assertUnits, flatData, mismatch, type NdArray, OodError } from '@ood/core'

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
  assertBatch(what, x)
  if (x.shape.length < 2) throw mismatch('E_SHAPE', what, 'a batch of rows [N, ...]', [...x.shape])
  const row = x.shape.slice(1)
  if (profile.shape && row.join() !== profile.shape.join())
    throw new OodError('E_SHAPE', `${what}: expected rows of shape [${profile.shape}], got [${row}]`)
  const { valueRange, rangeSource, wholeNumbers } = profile
  if (rangeSource === 'any') {
    assertFinite(what, x)
    return
  }
  const learnt = rangeSource === 'learnt'
  const range = valueRange ? ` [${valueRange}]` : ''
  const like = learnt ? " like the calibration data's" : ' in'
  assertUnits(what, x, {
    valueRange,
    wholeNumbers: wholeNumbers === true,
    slack: learnt && valueRange ? valueRange[1] - valueRange[0] : 0,
    expected: `${wholeNumbers ? 'whole numbers' : 'values'}${range === '' ? '' : like}${range}`,
  })
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
