// The central directory of a zip file, zip64 included: where each entry's bytes lie, how many they are, and their CRC-32.
import { fileError, type OpenFile } from '@ood/core/node'
import { MAX_DEFLATE_RATIO } from './bounds.ts'

/** One entry as the directory lists it. */
export interface ZipRecord {
  name: string
  /** 0 stored, 8 deflated. */
  method: number
  /** CRC-32 of the unpacked bytes. */
  crc: number
  /** Bytes in the file. */
  compressed: number
  /** Bytes unpacked. */
  size: number
  /** Offset of the local header. */
  header: number
}

/** Bytes of a file at a position, all of them or an error naming the file. */
type ReadAt = (position: number, length: number) => Promise<Uint8Array>

/** Bytes read at once where less is asked for, so that small entries are not read one by one. */
const WINDOW = 2 ** 18

/** Positional reads of an open file, the last window kept. */
export function zipReader({ size, read }: OpenFile, path: string): ReadAt {
  let from = 0
  let window: Uint8Array = new Uint8Array(0)
  return async (position, length) => {
    if (position + length > size) throw fileError(path, 'a whole zip file', `an end after ${size} bytes`)
    if (position < from || position + length > from + window.length) {
      const bytes = await read(position, Math.min(size - position, Math.max(length, WINDOW)))
      if (length > WINDOW) return bytes
      from = position
      window = bytes
    }
    return window.subarray(position - from, position - from + length)
  }
}

/** Most bytes of central directory that are read: room for about 200,000 entries. */
const MAX_DIRECTORY = 2 ** 24

const END = 0x06054b50
const END_64 = 0x06064b50
const LOCATOR_64 = 0x07064b50
const CENTRAL = 0x02014b50
const LOCAL = 0x04034b50

/**
 * Every entry of a zip file of `size` bytes, in the order listed; folders are left out. Refuses names that would leave
 * the archive or stand there twice, encryption, other compression than deflate, sizes that deflate cannot reach, and a
 * directory that does not end where it should or has another number of entries than it says (modulo 2^16, as some
 * writers count).
 */
export async function zipRecords(path: string, size: number, readAt: ReadAt): Promise<ZipRecord[]> {
  const { offset, length, entries, end } = await findDirectory(path, size, readAt)
  if (length > MAX_DIRECTORY) throw fileError(path, `a directory of at most ${MAX_DIRECTORY} bytes`, `${length} bytes`)
  if (offset + length !== end) throw broken(path, `a directory of ${length} bytes at ${offset} that ends at ${end}`)
  const directory = await readAt(offset, length)
  const at = view(directory)
  const records: ZipRecord[] = []
  const names = new Set<string>()
  let count = 0
  let next = 0
  for (; next + 46 <= length && at.getUint32(next, true) === CENTRAL; count++) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => at.getUint16(next + field, true))
    const nameEnd = next + 46 + nameLength!
    const after = nameEnd + extraLength! + commentLength!
    if (after > length) throw broken(path, 'a directory whose last entry is cut')
    const flags = at.getUint16(next + 8, true)
    const name = decodeName(directory.subarray(next + 46, nameEnd), flags)
    const record = widened(
      path,
      {
        name,
        method: at.getUint16(next + 10, true),
        crc: at.getUint32(next + 16, true),
        compressed: at.getUint32(next + 20, true),
        size: at.getUint32(next + 24, true),
        header: at.getUint32(next + 42, true),
      },
      directory.subarray(nameEnd, nameEnd + extraLength!),
    )
    next = after
    checkName(path, name)
    if (name.endsWith('/') && record.size === 0) continue
    if (names.has(name)) throw fileError(path, 'every entry name once', `${name} twice`)
    names.add(name)
    checkRecord(path, record, flags, offset)
    records.push(record)
  }
  if (next !== length || (entries !== undefined && count % 2 ** 16 !== entries))
    throw broken(path, `${entries} entries listed and ${count} found`)
  return records
}

/**
 * Where the bytes of an entry begin. Its local header must agree with the directory in name, method and, where it has
 * them, sizes and CRC.
 */
export async function entryStart(path: string, size: number, record: ZipRecord, readAt: ReadAt): Promise<number> {
  const fixed = view(await readAt(record.header, 30))
  const what = `${path} entry ${record.name}`
  if (fixed.getUint32(0, true) !== LOCAL) throw fileError(what, 'a local header', 'something else')
  const [nameLength, extraLength] = [fixed.getUint16(26, true), fixed.getUint16(28, true)]
  const rest = await readAt(record.header + 30, nameLength + extraLength)
  const flags = fixed.getUint16(6, true)
  const local = widened(
    path,
    {
      name: decodeName(rest.subarray(0, nameLength), flags),
      method: fixed.getUint16(8, true),
      crc: fixed.getUint32(14, true),
      compressed: fixed.getUint32(18, true),
      size: fixed.getUint32(22, true),
      header: record.header,
    },
    rest.subarray(nameLength),
  )
  for (const field of ['name', 'method', 'crc', 'compressed', 'size'] as const) {
    // A writer that did not know sizes and CRC when it wrote the header left zeros.
    if (local[field] === 0 && field !== 'method') continue
    if (local[field] !== record[field])
      throw fileError(what, `a local header with ${field} ${record[field]} as listed`, local[field])
  }
  const start = record.header + 30 + nameLength + extraLength
  if (start + record.compressed > size) throw fileError(what, `${record.compressed} bytes`, 'fewer')
  return start
}

function checkName(path: string, name: string): void {
  if (/^([/\\]|[a-zA-Z]:)|(^|[/\\])\.\.([/\\]|$)/.test(name) || name.includes('\0')) {
    throw fileError(path, 'entry names inside the archive', name)
  }
}

function checkRecord(path: string, record: ZipRecord, flags: number, directory: number): void {
  const what = `${path} entry ${record.name}`
  if (flags & 1) throw fileError(what, 'one that is not encrypted', 'an encrypted entry')
  if (record.method !== 0 && record.method !== 8)
    throw fileError(what, 'stored or deflated bytes', `compression method ${record.method}`)
  const most = record.method === 0 ? record.compressed : record.compressed * MAX_DEFLATE_RATIO
  if (record.size > most || (record.method === 0 && record.size !== record.compressed))
    throw fileError(what, `room for the ${record.size} bytes its directory claims`, `${record.compressed} bytes`)
  if (record.header + 30 + record.compressed > directory)
    throw fileError(what, 'bytes before the directory', `${record.compressed} bytes at ${record.header}`)
}

/** UTF-8 where the entry says so or its bytes are; names in old code pages are read byte by byte. */
function decodeName(bytes: Uint8Array, flags: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder(flags & 0x800 ? 'utf-8' : 'latin1').decode(bytes)
  }
}

/** Sizes and offsets beyond 2^32 stand in the zip64 extra field, in this order, where the short field is all ones. */
function widened(path: string, record: ZipRecord, extra: Uint8Array): ZipRecord {
  const at = view(extra)
  for (let i = 0; i + 4 <= extra.length; i += 4 + at.getUint16(i + 2, true)) {
    if (at.getUint16(i, true) !== 1) continue
    const stop = Math.min(extra.length, i + 4 + at.getUint16(i + 2, true))
    let next = i + 4
    for (const field of ['size', 'compressed', 'header'] as const) {
      if (record[field] !== 0xffffffff || next + 8 > stop) continue
      record[field] = safe(path, at.getBigUint64(next, true))
      next += 8
    }
    break
  }
  return record
}

/** The directory's place, from the end of the file. */
async function findDirectory(
  path: string,
  size: number,
  readAt: ReadAt,
): Promise<{ offset: number; length: number; entries?: number; end: number }> {
  if (size < 22) throw broken(path, `${size} bytes`)
  const tailStart = Math.max(0, size - 22 - 65_535)
  const tail = await readAt(tailStart, size - tailStart)
  const at = view(tail)
  let end = tail.length - 22
  // The comment after the record must reach exactly to the end of the file.
  while (end >= 0 && !(at.getUint32(end, true) === END && end + 22 + at.getUint16(end + 20, true) === tail.length))
    end--
  if (end < 0) throw broken(path, 'no end of directory')
  const short = {
    entries: at.getUint16(end + 10, true),
    length: at.getUint32(end + 12, true),
    offset: at.getUint32(end + 16, true),
    end: tailStart + end,
  }
  if (at.getUint32(end + 4, true) !== 0 || at.getUint16(end + 8, true) !== short.entries)
    throw fileError(path, 'a zip file in one part', 'a part of several')
  if (end < 20 || at.getUint32(end - 20, true) !== LOCATOR_64) return short
  const place = safe(path, at.getBigUint64(end - 12, true))
  if (place + 56 > size) throw broken(path, 'no end of directory')
  const wide = view(await readAt(place, 56))
  if (wide.getUint32(0, true) !== END_64) throw broken(path, 'no end of directory')
  return {
    length: safe(path, wide.getBigUint64(40, true)),
    offset: safe(path, wide.getBigUint64(48, true)),
    end: place,
  }
}

function safe(path: string, value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw broken(path, `a size of ${value} bytes`)
  return Number(value)
}

function broken(path: string, got: string): Error {
  return fileError(path, 'a whole zip file', got)
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
