// Entries of a zip file held in memory, with bounds checked before anything is unpacked. Nothing is written to disk.

import { fileError } from '@ood/core/node'
import { unzipSync } from 'fflate'

export interface ZipEntry {
  name: string
  bytes: Uint8Array
}

/**
 * The entries `wanted` says yes to, sorted by name (code points). Refuses names that would leave the archive, and
 * claimed or real sizes that add up to more than `maxBytes`.
 */
export function unzipEntries(
  zip: Uint8Array,
  path: string,
  maxBytes: number,
  wanted: (name: string) => boolean,
): ZipEntry[] {
  let total = 0
  const claims = new Map<string, number>()
  const filter = ({ name, originalSize }: { name: string; originalSize: number }): boolean => {
    if (/^([/\\]|[a-zA-Z]:)|(^|[/\\])\.\.([/\\]|$)/.test(name) || name.includes('\0')) {
      throw fileError(path, 'entry names inside the archive', name)
    }
    if (name.endsWith('/') || !wanted(name)) return false
    if (claims.has(name)) throw fileError(path, 'every entry name once', `${name} twice`)
    total += originalSize
    if (total > maxBytes) throw fileError(path, `at most ${maxBytes} bytes unpacked`, `${total} bytes or more`)
    claims.set(name, originalSize)
    return true
  }
  const files = unpack(zip, path, filter)
  return Object.entries(files)
    .map(([name, bytes]) => {
      // Unpacked into a buffer of the claimed size: a shorter entry was cut, a longer one has been refused by then.
      if (bytes.length !== claims.get(name)) {
        throw fileError(`${path} entry ${name}`, `${claims.get(name)} bytes`, `${bytes.length} bytes`)
      }
      return { name, bytes }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function unpack(
  zip: Uint8Array,
  path: string,
  filter: (file: { name: string; originalSize: number }) => boolean,
): Record<string, Uint8Array> {
  try {
    return unzipSync(zip, { filter })
  } catch (error) {
    if (error instanceof Error && error.name === 'OodError') throw error
    throw fileError(path, 'a whole zip file', error)
  }
}
