// Numbers between 0 and 1 as text that does not claim more than was measured: never a bare 1.000.
import { mismatch } from '@ood/core'

/** What an AUC or a share rests on. */
export interface ShareOptions {
  /** Images, or whatever was counted, on the smaller side. */
  n?: number | undefined
  /** Confidence interval. */
  interval?: readonly [number, number] | undefined
  /** Digits after the point (default 3). */
  digits?: number | undefined
}

/**
 * An AUC, a rate or a share with what it rests on. One that is not quite 1 is `> 0.999`; one that is exactly 1, or 0,
 * is shown with its n, for it is a statement about that many images and no more.
 *
 * @throws OodError `E_ARGUMENT` for a value outside [0, 1] or NaN
 * @example
 * shareText(0.9584, { n: 64, interval: [0.921, 0.981] }) // 0.958 (0.921 to 0.981, n = 64)
 * shareText(1, { n: 64 })                                // 1.000 (n = 64)
 * shareText(0.99997)                                     // > 0.999
 */
export function shareText(value: number, { n, interval, digits = 3 }: ShareOptions = {}): string {
  if (!(value >= 0 && value <= 1)) throw mismatch('E_ARGUMENT', 'shareText', 'a number in [0, 1]', value)
  const notes = [
    // Both ends at the value: the method has nothing to say of a perfect separation.
    ...(interval && interval[0] < interval[1]
      ? [`${interval[0].toFixed(digits)} to ${interval[1].toFixed(digits)}`]
      : []),
    ...(n === undefined ? [] : [`n = ${n}`]),
  ]
  // With its n beside it, an exact 1 may have its zeros.
  const exact = (value === 0 || value === 1) && notes.length > 0
  const text = exact ? value.toFixed(digits) : roundedText(value, digits)
  return notes.length > 0 ? `${text} (${notes.join(', ')})` : text
}

/** A number rounded to `digits`; what rounding would make 0, 1 or -1 without being it says so, what is it has no zeros. */
export function roundedText(value: number, digits: number): string {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  const sign = value < 0 ? '-' : ''
  const step = 10 ** -digits
  if (size === 0 || size === 1) return String(Object.is(value, -0) ? 0 : value)
  if (size < 1 && Number(size.toFixed(digits)) >= 1)
    return value > 0 ? `> ${(1 - step).toFixed(digits)}` : value.toFixed(digits)
  if (size > 0 && Number(size.toFixed(digits)) === 0)
    return value > 0 ? `< ${step.toFixed(digits)}` : `${sign}${size.toFixed(digits)}`
  return value.toFixed(digits)
}
