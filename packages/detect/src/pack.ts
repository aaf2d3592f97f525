// Numbers as text for stored detectors: float64, exact to the last bit, half of JSON's size.
import { mismatch, OodError } from '@ood/core'

/** Numbers as base64 of little-endian float64. */
export function packNumbers(values: ArrayLike<number>): string {
  const bytes = new Uint8Array(values.length * 8)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < values.length; i++) view.setFloat64(8 * i, values[i]!, true)
  let text = ''
  // In pieces, since a call takes a limited number of arguments.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return btoa(text)
}

/**
 * The numbers of `packNumbers`.
 *
 * @throws OodError `E_FILE` naming `what` for text that is not base64 of whole numbers of 8 bytes, or holds NaN
 */
export function unpackNumbers(what: string, text: unknown): Float64Array {
  if (typeof text !== 'string') throw mismatch('E_FILE', what, 'base64 text', text)
  let binary: string
  try {
    binary = atob(text)
  } catch (cause) {
    throw new OodError('E_FILE', `${what}: expected base64, got something else`, { cause })
  }
  if (binary.length % 8 !== 0)
    throw mismatch('E_FILE', what, 'float64 numbers (8 bytes each)', `${binary.length} bytes`)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  const view = new DataView(bytes.buffer)
  const values = Float64Array.from({ length: binary.length / 8 }, (_, i) => view.getFloat64(8 * i, true))
  if (values.some(Number.isNaN)) throw mismatch('E_FILE', what, 'numbers', 'NaN')
  return values
}
