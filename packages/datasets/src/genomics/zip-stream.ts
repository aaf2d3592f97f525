// One entry of a zip file as a stream of bytes, so that files of many gigabytes are read in flat memory.
import { createReadStream } from 'node:fs'
import { crc32, createInflateRaw } from 'node:zlib'
import { OodError, throwIfAborted } from '@ood/core'
import { fileError, fileReason, withFile } from '@ood/core/node'
import { entryStart, type ZipRecord, zipReader, zipRecords } from '../internal/zip-directory.ts'

/** An entry that can be read once. */
interface OpenedEntry {
  /** Bytes unpacked, as the directory lists them; the stream fails rather than give more. */
  size: number
  chunks: AsyncIterable<Uint8Array>
}

/** Finds the entry `name`; its size and checksum are compared when the stream is read to its end. */
export async function openZipEntry(path: string, name: string, signal?: AbortSignal): Promise<OpenedEntry> {
  return await withFile(path, async (file) => {
    const readAt = zipReader(file, path)
    const record = (await zipRecords(path, file.size, readAt)).find((entry) => entry.name === name)
    if (!record) throw fileError(path, `an entry ${name}`, 'none of that name')
    const start = await entryStart(path, file.size, record, readAt)
    return { size: record.size, chunks: unpacked(path, record, start, signal) }
  })
}

async function* unpacked(
  path: string,
  record: ZipRecord,
  start: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const what = `${path} entry ${record.name}`
  let total = 0
  let crc = 0
  if (record.compressed > 0) {
    const source = createReadStream(path, { start, end: start + record.compressed - 1, highWaterMark: 2 ** 18 })
    const inflate = record.method === 8 ? createInflateRaw({ chunkSize: 2 ** 18 }) : undefined
    if (inflate) source.on('error', (error) => inflate.destroy(error)).pipe(inflate)
    try {
      for await (const chunk of inflate ?? source) {
        throwIfAborted(signal, path)
        const bytes = chunk as Uint8Array
        total += bytes.length
        if (total > record.size) throw fileError(what, `${record.size} bytes as listed`, 'more')
        crc = crc32(bytes, crc)
        yield bytes
      }
    } catch (error) {
      if (error instanceof OodError) throw error
      throw fileError(what, 'whole deflated data', fileReason(error).replace('gzip', 'deflate'))
    } finally {
      source.destroy()
      inflate?.destroy()
    }
  }
  if (total !== record.size) throw fileError(what, `${record.size} bytes as listed`, `${total} bytes`)
  if (crc !== record.crc) throw fileError(what, 'contents with the listed checksum', 'others')
}
