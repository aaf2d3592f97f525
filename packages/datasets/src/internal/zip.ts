// Entries of a zip file in memory: bounds are checked before anything is unpacked, CRC-32 and size after. Nothing is
// written to disk.
import { crc32, inflateRawSync } from 'node:zlib'
import { fileError, fileReason, withFile } from '@ood/core/node'
import { entryStart, type ZipRecord, zipReader, zipRecords } from './zip-directory.ts'

export interface ZipEntry {
  name: string
  bytes: Uint8Array
}

/**
 * The entries `wanted` says yes to, sorted by name (code points). Only they are read: memory is theirs and that of the
 * largest packed one.
 *
 * @throws OodError `E_FILE` naming file and entry: names that would leave the archive, claimed sizes that add up to more
 *   than `maxBytes`, contents whose size or CRC-32 differ from what is listed
 */
export async function unzipEntries(
  path: string,
  maxBytes: number,
  wanted: (name: string) => boolean,
): Promise<ZipEntry[]> {
  return await withFile(path, async (file) => {
    const readAt = zipReader(file, path)
    const records = await zipRecords(path, file.size, readAt)
    const chosen = new Set(records.filter(({ name }) => wanted(name)))
    let total = 0
    for (const record of chosen) total += record.size
    if (total > maxBytes) throw fileError(path, `at most ${maxBytes} bytes unpacked`, `${total} bytes or more`)
    const entries: ZipEntry[] = []
    for (const record of records) {
      // Of the others too: a damaged name must not make an entry one that is not wanted.
      const start = await entryStart(path, file.size, record, readAt)
      if (chosen.has(record)) {
        entries.push({ name: record.name, bytes: unpack(path, record, await readAt(start, record.compressed)) })
      }
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  })
}

function unpack(path: string, record: ZipRecord, packed: Uint8Array): Uint8Array {
  const what = `${path} entry ${record.name}`
  const bytes = record.method === 0 ? packed.slice() : inflated(what, record.size, packed)
  if (bytes.length !== record.size) throw fileError(what, `${record.size} bytes as listed`, `${bytes.length} bytes`)
  if (crc32(bytes) !== record.crc) throw fileError(what, 'contents with the listed checksum', 'others')
  return bytes
}

function inflated(what: string, size: number, packed: Uint8Array): Uint8Array {
  try {
    // One buffer of the claimed size and a byte more: no copies, and more contents than listed are an error.
    return inflateRawSync(packed, { chunkSize: Math.max(64, size + 1), maxOutputLength: Math.max(1, size) })
  } catch (error) {
    throw fileError(what, 'whole deflated data', fileReason(error).replace('gzip', 'deflate'))
  }
}
