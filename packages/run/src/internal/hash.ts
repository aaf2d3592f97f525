// SHA-256 of files and canonical JSON text, so that equal configurations compare equal whatever their key order.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** Hexadecimal SHA-256 of text or bytes. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** Hexadecimal SHA-256 of a file, or `undefined` when it cannot be read. */
export function fileSha256(path: string): string | undefined {
  try {
    return sha256(readFileSync(path))
  } catch {
    return undefined
  }
}

/** JSON with object keys in order, for comparing and hashing. `undefined` members vanish as in JSON. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, node: unknown) =>
    typeof node === 'object' && node !== null && !Array.isArray(node)
      ? Object.fromEntries(Object.entries(node).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : node,
  )
}
