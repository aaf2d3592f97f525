// Opening files as byte streams (gzip detected by its magic), and hashing their contents.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createGunzip, type Gunzip } from 'node:zlib'
import { OodError, throwIfAborted } from '@ood/core'
import { fileError, readBounded, withFile } from '@ood/core/node'

/** A JSON file of at most `maxBytes`; `expected` is what an error says it should be. */
export async function readJson(path: string, maxBytes: number, expected: string): Promise<unknown> {
  const bytes = await readBounded(path, maxBytes)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw fileError(path, expected, error)
  }
}

/** The contents of a file as chunks, unzipped when it begins with gzip's magic. */
interface OpenedFile {
  /** Bytes on disk. */
  size: number
  gzip: boolean
  chunks: AsyncIterable<Uint8Array>
}

/** Opens a file that may be gzipped. Errors while reading become one-line `E_FILE` errors naming it. */
export async function openStream(path: string, signal?: AbortSignal): Promise<OpenedFile> {
  return await withFile(path, async ({ size, read }) => {
    const [first, second] = size < 2 ? [] : await read(0, 2)
    const gzip = first === 0x1f && second === 0x8b
    return { size, gzip, chunks: chunksOf(path, gzip, signal) }
  })
}

async function* chunksOf(path: string, gzip: boolean, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const source = createReadStream(path)
  const stream = gzip ? createGunzip() : source
  if (gzip) source.on('error', (error) => stream.destroy(error)).pipe(stream as Gunzip)
  try {
    for await (const chunk of stream) {
      throwIfAborted(signal, path)
      yield chunk as Uint8Array
    }
  } catch (error) {
    if (error instanceof OodError) throw error
    throw fileError(path, gzip ? 'a whole gzip file' : 'a readable file', error)
  } finally {
    source.destroy()
    stream.destroy()
  }
}

/** SHA-256 (hex) of a file's contents, unzipped if gzipped: the same for every gzip wrapper of the same bytes. */
export async function contentSha256(path: string, maxBytes: number, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  let total = 0
  for await (const chunk of (await openStream(path, signal)).chunks) {
    total += chunk.length
    if (total > maxBytes) throw fileError(path, `at most ${maxBytes} bytes of contents`, 'more')
    hash.update(chunk)
  }
  return hash.digest('hex')
}
