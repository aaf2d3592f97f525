// Regular files read whole or in ranges, bounded in size; never waits on a pipe or a device.
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { mismatch } from '../errors.ts'
import { fileError, isSystemError } from './errors.ts'

/** An open regular file: its size when it was opened and reading of ranges of it. */
export interface OpenFile<Bytes = Promise<Uint8Array>> {
  /** Bytes. A file that grows meanwhile is read up to here. */
  readonly size: number
  /** Tells a changed file from an unchanged one: device, number, size, time of change. */
  readonly stamp: string
  /** `length` bytes from `offset` on. Throws `E_FILE` when the file ends before. */
  read(offset: number, length: number): Bytes
}

// Without waiting, opening a named pipe returns at once, and the check for a regular file refuses it.
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** Largest piece the system takes at once. */
const LARGEST_READ = 2 ** 30

/**
 * Opens a regular file, hands it to `use` and closes it.
 *
 * @param what - what an error line begins with (default the path)
 * @throws OodError `E_FILE` for what is missing, unreadable or no regular file
 */
export async function withFile<T>(path: string, use: (file: OpenFile) => Promise<T>, what: string = path): Promise<T> {
  const handle = await open(path, READ).catch((cause: unknown) => {
    throw fileError(what, 'a readable file', cause)
  })
  try {
    const info = await handle.stat()
    assertRegular(info, what)
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      const bytes = new Uint8Array(length)
      for (let at = 0; at < length; ) {
        const { bytesRead } = await handle.read(bytes, at, Math.min(length - at, LARGEST_READ), offset + at)
        if (bytesRead === 0) throw ended(what, offset, length, at)
        at += bytesRead
      }
      return bytes
    }
    return await use({ size: info.size, stamp: stampOf(info), read })
  } catch (cause) {
    throw isSystemError(cause) ? fileError(what, 'a readable file', cause) : cause
  } finally {
    await handle.close()
  }
}

/** As `withFile`, while the thread waits. */
export function withFileSync<T>(path: string, use: (file: OpenFile<Uint8Array>) => T, what: string = path): T {
  let handle: number
  try {
    handle = openSync(path, READ)
  } catch (cause) {
    throw fileError(what, 'a readable file', cause)
  }
  try {
    const info = fstatSync(handle)
    assertRegular(info, what)
    const read = (offset: number, length: number): Uint8Array => {
      const bytes = new Uint8Array(length)
      for (let at = 0; at < length; ) {
        const got = readSync(handle, bytes, at, Math.min(length - at, LARGEST_READ), offset + at)
        if (got === 0) throw ended(what, offset, length, at)
        at += got
      }
      return bytes
    }
    return use({ size: info.size, stamp: stampOf(info), read })
  } catch (cause) {
    throw isSystemError(cause) ? fileError(what, 'a readable file', cause) : cause
  } finally {
    closeSync(handle)
  }
}

/**
 * A regular file's whole contents, refused before reading when larger than `maxBytes`.
 *
 * @throws OodError `E_FILE`
 * @example
 * const manifest = JSON.parse(new TextDecoder().decode(await readBounded('manifest.json', 2 ** 20)))
 */
export async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  return await withFile(path, async ({ size, read }) => {
    if (size > maxBytes) throw mismatch('E_FILE', path, `at most ${maxBytes} bytes`, `${size} bytes`)
    return await read(0, size)
  })
}

/** As `readBounded`, while the thread waits. */
export function readBoundedSync(path: string, maxBytes: number): Uint8Array {
  return withFileSync(path, ({ size, read }) => {
    if (size > maxBytes) throw mismatch('E_FILE', path, `at most ${maxBytes} bytes`, `${size} bytes`)
    return read(0, size)
  })
}

/**
 * Bytes of a regular file.
 *
 * @throws OodError `E_FILE` for what is missing or no regular file
 */
export async function fileSize(path: string): Promise<number> {
  const info = await stat(path).catch((cause: unknown) => {
    throw fileError(path, 'a file', cause)
  })
  assertRegular(info, path)
  return info.size
}

function assertRegular(info: Stats, what: string): void {
  if (!info.isFile()) throw mismatch('E_FILE', what, 'a file', info.isDirectory() ? 'a folder' : 'a special file')
}

function stampOf(info: Stats): string {
  return `${info.dev} ${info.ino} ${info.size} ${info.mtimeMs}`
}

function ended(what: string, offset: number, length: number, at: number): Error {
  return mismatch('E_FILE', what, `${offset + length} bytes`, `${offset + at} bytes`)
}
