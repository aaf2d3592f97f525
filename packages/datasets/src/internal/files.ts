// Opening files as bounded byte streams (gzip detected by its magic), hashing them, and replacing them atomically.
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createGunzip, type Gunzip } from 'node:zlib'
import { mismatch, OodError, throwIfAborted } from '@ood/core'

/** Most bytes a reader keeps unless told otherwise: enough for 200,000 colour images of 32 x 32 in float32. */
export const DEFAULT_MAX_BYTES: number = 2 ** 31

/** Deflate never shrinks data by more than this factor, so a header that claims more than it allows is a lie. */
export const MAX_DEFLATE_RATIO = 1032

/** `path: expected X, got Y` with code `E_FILE`. */
export function fileError(path: string, expected: string, got: unknown): OodError {
  return mismatch('E_FILE', path, expected, got)
}

/** One line for whatever a file operation or a decoder threw. */
export function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  if (code === 'ENOENT') return 'nothing there'
  if (code === 'EISDIR') return 'a folder'
  if (code === 'Z_BUF_ERROR') return 'a gzip stream that breaks off'
  if (typeof code === 'string' && code.startsWith('Z_')) return `broken gzip data (${code})`
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n', 1)[0]!
}

/** Bytes of a regular file. */
export async function fileSize(path: string): Promise<number> {
  const info = await stat(path).catch((error: unknown) => {
    throw fileError(path, 'a file', reason(error))
  })
  if (!info.isFile()) throw fileError(path, 'a file', info.isDirectory() ? 'a folder' : 'something else')
  return info.size
}

/** A whole file of at most `maxBytes`. */
export async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  const size = await fileSize(path)
  if (size > maxBytes) throw fileError(path, `at most ${maxBytes} bytes`, `${size} bytes`)
  const bytes = new Uint8Array(size)
  const file = await open(path).catch((error: unknown) => {
    throw fileError(path, 'a readable file', reason(error))
  })
  try {
    let at = 0
    while (at < size) {
      const { bytesRead } = await file.read(bytes, at, size - at, at)
      if (bytesRead === 0) throw fileError(path, `${size} bytes`, `${at} bytes`)
      at += bytesRead
    }
  } finally {
    await file.close()
  }
  return bytes
}

/** The contents of a file as chunks, unzipped when it begins with gzip's magic. */
export interface OpenedFile {
  /** Bytes on disk. */
  size: number
  gzip: boolean
  chunks: AsyncIterable<Uint8Array>
}

/** Opens a file that may be gzipped. Errors while reading become one-line `E_FILE` errors naming it. */
export async function openStream(path: string, signal?: AbortSignal): Promise<OpenedFile> {
  const size = await fileSize(path)
  const head = await readHead(path)
  const gzip = head[0] === 0x1f && head[1] === 0x8b
  return { size, gzip, chunks: chunksOf(path, gzip, signal) }
}

async function readHead(path: string): Promise<Uint8Array> {
  const file = await open(path).catch((error: unknown) => {
    throw fileError(path, 'a readable file', reason(error))
  })
  try {
    const head = new Uint8Array(2)
    await file.read(head, 0, 2, 0)
    return head
  } finally {
    await file.close()
  }
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
    throw fileError(path, gzip ? 'a whole gzip file' : 'a readable file', reason(error))
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

/** Writes a file so that readers see the old one or the whole new one, never half: temporary name, sync, rename. */
export async function writeAtomic(
  path: string,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.part`
  try {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(temporary, 'wx')
    try {
      for await (const part of parts) await file.writeFile(part)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    if (error instanceof OodError) throw error
    throw fileError(path, 'a place to write to', reason(error))
  }
}
