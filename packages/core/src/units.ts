// Units of raw data: bytes given to a model of [0, 1], and the reverse, are refused with the way to mend it.
import { mismatch } from './errors.ts'
import { flatData, type NdArray, rowSize } from './tensor.ts'

/** What raw numbers look like. */
export interface DataUnits {
  /** Smallest and largest value; null where nothing is known. */
  valueRange: readonly [number, number] | null
  /** Whole numbers only, as bytes are (default false). */
  wholeNumbers?: boolean
  /** Values so far outside the range pass as well: for ranges that are extremes of a sample (default 0). */
  slack?: number
  /**
   * Fractions are possible, but a row that lies in [0, 1] and has some was surely scaled to [0, 1] (default false):
   * for images on a scale of many grey levels.
   */
  manyLevels?: boolean
  /** What is expected, in an error: defaults name the range. */
  expected?: string
}

/**
 * Throws unless all numbers of `x` are in the given units. Rows are judged one by one, so the batch does not matter.
 * The message says what the numbers look like and how to scale them.
 *
 * Cost: one pass over the numbers.
 *
 * @throws OodError `E_NOT_FINITE` for NaN and infinity, `E_ARGUMENT` for other units; both name row and position
 * @example
 * assertUnits('logProb', images, { valueRange: [0, 255], wholeNumbers: true })
 * // logProb: expected integers in [0, 255], got 0.53 in row 0 at position 3 (images in [0, 1]? multiply them by 255)
 */
export function assertUnits(what: string, x: NdArray, units: DataUnits): void {
  const { valueRange, wholeNumbers = false, slack = 0, manyLevels = false } = units
  const [low, high] = valueRange ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  const data = flatData(x)
  const d = Math.max(1, rowSize(x))
  const expected =
    units.expected ?? `${wholeNumbers ? 'integers' : 'values'} in ${valueRange ? `[${low}, ${high}]` : 'any range'}`
  const fail = (i: number): Error => {
    const where = `${data[i]} in row ${Math.floor(i / d)} at position ${i % d}`
    if (!Number.isFinite(data[i])) return mismatch('E_NOT_FINITE', what, 'finite numbers', where)
    const hint = valueRange ? scaling(data, valueRange, wholeNumbers || manyLevels) : ''
    return mismatch('E_ARGUMENT', what, expected, where + hint)
  }
  for (let from = 0; from < data.length; from += d) {
    let fraction = -1
    let largest = 0
    for (let i = from; i < Math.min(data.length, from + d); i++) {
      const value = data[i]!
      if (!(value >= low - slack && value <= high + slack) || !Number.isFinite(value)) throw fail(i)
      if (fraction < 0 && !Number.isInteger(value)) fraction = i
      largest = Math.max(largest, Math.abs(value))
    }
    if (fraction >= 0 && (wholeNumbers || (manyLevels && largest <= 1))) throw fail(fraction)
  }
}

/** What numbers of other units probably are and how to bring them to `range`, as a bracket behind the error; or nothing. */
function scaling(data: ArrayLike<number>, [low, high]: readonly [number, number], levels: boolean): string {
  let [smallest, largest, whole] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, true]
  for (let i = 0; i < data.length; i++) {
    smallest = Math.min(smallest, data[i]!)
    largest = Math.max(largest, data[i]!)
    whole &&= Number.isInteger(data[i]!)
  }
  // Fewer levels than a 3-bit image are tokens or classes, for which scaling makes no sense.
  if (low === 0 && high >= 7 && levels && largest <= 1) {
    if (smallest >= 0) return ` (images in [0, 1]? multiply them by ${high})`
    if (smallest >= -1) return ` (images in [-1, 1]? use ${high / 2} * (x + 1))`
  }
  if (low === 0 && high >= 7 && levels && !whole && smallest >= 0 && largest <= high)
    return ' (round them to whole numbers)'
  const top = largest <= 255 ? 255 : largest <= 65535 ? 65535 : undefined
  if (top !== undefined && whole && smallest >= 0 && largest > 2) {
    const name = top === 255 ? 'bytes' : '16-bit images'
    if (low === 0 && high === 1) return ` (${name}? divide them by ${top})`
    if (low === -1 && high === 1) return ` (${name}? use x / ${top / 2} - 1)`
    if (low === 0 && high === 255 && top === 65535) return ` (${name}? divide them by 257 and round)`
  }
  return ''
}
