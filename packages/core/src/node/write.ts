// Files and folders that are whole or absent: written under a temporary name, flushed to disk, then renamed.
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileError, isSystemError } from './errors.ts'
import { makeFolder, makeFolderSync } from './folder.ts'
import { flush, flushSync, partName } from './parts.ts'

/** Contents of a file: text, bytes, or bytes piece by piece. */
export type Chunks = string | Uint8Array | Iterable<Uint8Array>

/** Largest piece the system takes at once. */
const LARGEST_WRITE = 2 ** 30

/**
 * Writes a file so that no reader, and no killed process, ever sees half of it: the old contents or the new ones.
 * Folders above it are made.
 *
 * @throws OodError `E_FILE` when it cannot be written; what the pieces throw passes through. Either way no part is left.
 * @example
 * await writeFileAtomic('scores.csv', 'row,score\n0,1.5\n')
 */
export async function writeFileAtomic(path: string, data: Chunks | AsyncIterable<Uint8Array>): Promise<void> {
  const part = partName(path)
  try {
    await makeFolder(dirname(path))
    const handle = await open(part, 'wx')
    try {
      if (typeof data === 'string' || ArrayBuffer.isView(data)) await handle.writeFile(data)
      else for await (const piece of data) await handle.writeFile(piece)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(part, path)
    await flush(dirname(path))
  } catch (cause) {
    await rm(part, { force: true }).catch(() => undefined)
    throw isSystemError(cause) ? fileError(path, 'a place to write to', cause) : cause
  }
}

/** As `writeFileAtomic`, while the thread waits. */
export function writeFileAtomicSync(path: string, data: Chunks): void {
  makeFolderSync(dirname(path))
  writeFilesAtomicSync([{ path, data }])
}

/**
 * Writes files that belong together: all of them whole under temporary names first, then each gets its name, in order.
 * A failure before leaves what was there. Their folders must exist.
 *
 * @throws OodError `E_FILE` when one cannot be written; what the pieces throw passes through. Either way no part is left.
 */
export function writeFilesAtomicSync(files: readonly { path: string; data: Chunks }[]): void {
  const parts = files.map(({ path }) => partName(path))
  let at = 0
  try {
    for (const [i, { data }] of files.entries()) {
      at = i
      writePart(parts[i]!, data)
    }
    for (const [i, { path }] of files.entries()) {
      at = i
      renameSync(parts[i]!, path)
    }
    for (const folder of new Set(files.map(({ path }) => dirname(path)))) flushSync(folder)
  } catch (cause) {
    for (const part of parts) removePart(part)
    throw isSystemError(cause) ? fileError(files[at]!.path, 'a place to write to', cause) : cause
  }
}

function writePart(part: string, data: Chunks): void {
  const handle = openSync(part, 'wx')
  try {
    for (const piece of typeof data === 'string' || ArrayBuffer.isView(data) ? [data] : data) {
      const bytes = typeof piece === 'string' ? new TextEncoder().encode(piece) : piece
      for (let at = 0; at < bytes.length; )
        at += writeSync(handle, bytes, at, Math.min(bytes.length - at, LARGEST_WRITE))
    }
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/**
 * Fills a new folder by `fill(temporaryFolder)` and then gives it its name, replacing an older one. The older one is
 * gone for a moment before: a process killed there leaves no folder, never half of one.
 *
 * @throws OodError `E_FILE` when it cannot be written; what `fill` throws passes through. Either way no part is left.
 */
export function writeFolderAtomic(path: string, fill: (part: string) => void): void {
  const part = partName(path)
  try {
    makeFolderSync(part)
    fill(part)
    for (const name of readdirSync(part)) flushSync(join(part, name))
    flushSync(part)
    rmSync(path, { recursive: true, force: true })
    renameSync(part, path)
    flushSync(dirname(path))
  } catch (cause) {
    removePart(part)
    throw isSystemError(cause) ? fileError(path, 'a place to write a folder', cause) : cause
  }
}

/** What went wrong before is what the caller should hear of, whether or not this works. */
function removePart(part: string): void {
  try {
    rmSync(part, { recursive: true, force: true })
  } catch {}
}
