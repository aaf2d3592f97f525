// One entry of a zip file as a stream of bytes, so that files of many gigabytes are read in flat memory; zip64 included.
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { crc32, createInflateRaw } from 'node:zlib'
import { OodError, throwIfAborted } from '@ood/core'
import { fileError, fileSize } from '@ood/core/node'
import { MAX_DEFLATE_RATIO } from '../internal/files.ts'

/** Where an entry's compressed bytes are. */
interface Entry {
  method: number
  crc: number
  compressed: number
  size: number
  /** Offset of the local header. */
  header: number
}

/** Most bytes of central directory that are read: room for about 200,000 entries. */
const MAX_DIRECTORY = 2 ** 24

/** An entry that can be read once. */
export interface OpenedEntry {
  /** Bytes unpacked, as the directory lists them; the stream fails rather than give more. */
  size: number
  chunks: AsyncIterable<Uint8Array>
}

/** Finds the entry `name`; its checksum is compared when the stream is read to its end. */
export async function openZipEntry(path: string, name: string, signal?: AbortSignal): Promise<OpenedEntry> {
  const size = await fileSize(path)
  const file = await open(path).catch((error: unknown) => {
    throw fileError(path, 'a readable file', error)
  })
  try {
    const entry = await findEntry(file, path, size, name)
    const local = view(await readAt(file, path, entry.header, 30))
    if (local.getUint32(0, true) !== 0x04034b50) throw fileError(path, `a local header of ${name}`, 'something else')
    const start = entry.header + 30 + local.getUint16(26, true) + local.getUint16(28, true)
    if (start + entry.compressed > size) throw fileError(path, `${entry.compressed} bytes of ${name}`, 'fewer')
    if (entry.size > entry.compressed * (entry.method === 8 ? MAX_DEFLATE_RATIO : 1))
      throw fileError(
        path,
        `room for the ${entry.size} bytes of ${name} its directory claims`,
        `${entry.compressed} bytes`,
      )
    return { size: entry.size, chunks: unpacked(path, name, entry, start, signal) }
  } finally {
    await file.close()
  }
}

async function* unpacked(
  path: string,
  name: string,
  entry: Entry,
  start: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (entry.compressed === 0) return
  const source = createReadStream(path, { start, end: start + entry.compressed - 1, highWaterMark: 2 ** 18 })
  const inflate = entry.method === 8 ? createInflateRaw({ chunkSize: 2 ** 18 }) : undefined
  if (inflate) source.on('error', (error) => inflate.destroy(error)).pipe(inflate)
  let total = 0
  let crc = 0
  try {
    for await (const chunk of inflate ?? source) {
      throwIfAborted(signal, path)
      const bytes = chunk as Uint8Array
      total += bytes.length
      if (total > entry.size) throw fileError(`${path} entry ${name}`, `${entry.size} bytes as listed`, 'more')
      crc = crc32(bytes, crc)
      yield bytes
    }
  } catch (error) {
    if (error instanceof OodError) throw error
    throw fileError(`${path} entry ${name}`, 'whole deflated data', error)
  } finally {
    source.destroy()
    inflate?.destroy()
  }
  if (total !== entry.size) throw fileError(`${path} entry ${name}`, `${entry.size} bytes as listed`, `${total} bytes`)
  if (crc !== entry.crc) throw fileError(`${path} entry ${name}`, 'contents with the listed checksum', 'others')
}

async function findEntry(file: FileHandle, path: string, size: number, name: string): Promise<Entry> {
  const directory = await readDirectory(file, path, size)
  const wanted = Buffer.from(name)
  const at = view(directory)
  for (let i = 0; i + 46 <= directory.length; ) {
    if (at.getUint32(i, true) !== 0x02014b50) break
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => at.getUint16(i + offset, true))
    const nameEnd = i + 46 + nameLength!
    if (wanted.equals(directory.subarray(i + 46, nameEnd))) {
      const entry = {
        method: at.getUint16(i + 10, true),
        crc: at.getUint32(i + 16, true),
        compressed: at.getUint32(i + 20, true),
        size: at.getUint32(i + 24, true),
        header: at.getUint32(i + 42, true),
      }
      if (at.getUint16(i + 8, true) & 1) throw fileError(path, `${name} unencrypted`, 'an encrypted entry')
      if (entry.method !== 0 && entry.method !== 8)
        throw fileError(path, `${name} stored or deflated`, `compression method ${entry.method}`)
      return wide(entry, directory.subarray(nameEnd, nameEnd + extraLength!))
    }
    i = nameEnd + extraLength! + commentLength!
  }
  throw fileError(path, `an entry ${name}`, 'none of that name')
}

/** Sizes and offsets beyond 2^32 stand in the zip64 extra field, in this order, where the short field is all ones. */
function wide(entry: Entry, extra: Uint8Array): Entry {
  const at = view(extra)
  for (let i = 0; i + 4 <= extra.length; i += 4 + at.getUint16(i + 2, true)) {
    if (at.getUint16(i, true) !== 1) continue
    let next = i + 4
    for (const field of ['size', 'compressed', 'header'] as const) {
      if (entry[field] !== 0xffffffff || next + 8 > extra.length) continue
      entry[field] = Number(at.getBigUint64(next, true))
      next += 8
    }
  }
  return entry
}

/** The central directory, found from the end of the file. */
async function readDirectory(file: FileHandle, path: string, size: number): Promise<Uint8Array> {
  const tailStart = Math.max(0, size - 22 - 65_535)
  const tail = await readAt(file, path, tailStart, size - tailStart)
  const at = view(tail)
  let end = tail.length - 22
  while (end >= 0 && at.getUint32(end, true) !== 0x06054b50) end--
  if (end < 0) throw fileError(path, 'a whole zip file', 'no end of directory')
  let length = at.getUint32(end + 12, true)
  let offset = at.getUint32(end + 16, true)
  if (end >= 20 && at.getUint32(end - 20, true) === 0x07064b50) {
    const wideEnd = view(await readAt(file, path, Number(at.getBigUint64(end - 12, true)), 56))
    if (wideEnd.getUint32(0, true) !== 0x06064b50) throw fileError(path, 'a whole zip64 file', 'no end of directory')
    length = Number(wideEnd.getBigUint64(40, true))
    offset = Number(wideEnd.getBigUint64(48, true))
  }
  if (length > MAX_DIRECTORY) throw fileError(path, `a directory of at most ${MAX_DIRECTORY} bytes`, `${length} bytes`)
  return readAt(file, path, offset, length)
}

async function readAt(file: FileHandle, path: string, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, position + at)
    if (bytesRead === 0) throw fileError(path, 'a whole zip file', `an end after ${position + at} bytes`)
    at += bytesRead
  }
  return bytes
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
