// Weights beside the model file: where a tensor says its bytes are, and what is not followed.
import { mismatch } from '@ood/core'
import type { TensorProto } from './proto.ts'

/**
 * Gives bytes of a file that belongs to the model: `length` bytes from `offset` of the file at `location`, a relative
 * path with forward slashes that stays in the model's folder. May return a view; must return exactly that many bytes.
 */
export type ExternalData = (location: string, offset: number, length: number) => Uint8Array

/** Where a tensor's bytes are. */
interface ExternalRange {
  readonly location: string
  readonly offset: number
  readonly length: number
}

/**
 * The range of a tensor whose data is external.
 *
 * @param size - bytes the tensor's shape and type need
 * @throws OodError `E_FILE` when the path leaves the folder, the range is none or its length does not fit the shape
 */
export function externalRange(message: TensorProto, size: number, what: string): ExternalRange {
  const entries = new Map<string, string>()
  for (const { key, value } of message.externalData) {
    if (entries.has(key)) throw mismatch('E_FILE', `${what} external data`, 'each key once', key)
    entries.set(key, value)
  }
  const location = checkLocation(entries.get('location') ?? '', what)
  const offset = integer(entries.get('offset') ?? '0', `${what} external offset`)
  const length = integer(entries.get('length') ?? String(size), `${what} external length`)
  if (length !== size) throw mismatch('E_FILE', `${what} external length`, `${size} bytes for its shape`, length)
  return { location, offset, length }
}

/** Refuses paths that are absolute, climb out of the folder or mean something only on some systems. */
export function checkLocation(location: string, what: string): string {
  const parts = location.split('/')
  const odd = [...location].some((c) => c < ' ' || c === '\\' || c === ':')
  if (location === '' || location.startsWith('/') || odd || parts.some((part) => part === '..' || part === ''))
    throw mismatch('E_FILE', `${what} external location`, "a relative path within the model's folder", location)
  return location
}

function integer(text: string, what: string): number {
  const value = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) throw mismatch('E_FILE', what, 'an integer >= 0', text)
  return value
}
