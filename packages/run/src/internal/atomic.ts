// Files that are either whole or absent: written under a temporary name, flushed to disk, then renamed.
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { OodError } from '@ood/core'

/** Ending of every temporary name; whatever ends so in a run folder was left by a killed process. */
export const PART = '.part'

/** Writes `data` to `path` so that no reader, and no killed process, ever sees half of it. */
export function writeFileAtomic(path: string, data: string | Uint8Array): void {
  try {
    mkdirSync(dirname(path), { recursive: true })
    const part = `${path}${PART}`
    writeFileSync(part, data)
    flush(part)
    renameSync(part, path)
    flush(dirname(path))
  } catch (cause) {
    throw fileError('write', path, cause)
  }
}

/** Fills a new folder by `fill(temporaryFolder)` and then gives it its name, replacing an older one. */
export function writeFolderAtomic(path: string, fill: (part: string) => void): void {
  const part = `${path}${PART}`
  rmSync(part, { recursive: true, force: true })
  mkdirSync(part, { recursive: true })
  fill(part)
  for (const name of readdirSync(part)) flush(join(part, name))
  flush(part)
  rmSync(path, { recursive: true, force: true })
  renameSync(part, path)
  flush(dirname(path))
}

/** Removes temporary files and folders that a killed process left anywhere under `folder`. */
export function removeParts(folder: string): void {
  if (!existsSync(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.name.endsWith(PART)) rmSync(path, { recursive: true, force: true })
    else if (entry.isDirectory()) removeParts(path)
  }
}

/** Turns a file system failure into the house form, naming the file. */
export function fileError(action: string, path: string, cause: unknown): OodError {
  const reason = cause instanceof Error ? cause.message.split(',')[0] : String(cause)
  return new OodError('E_FILE', `${path}: expected to ${action} it, got ${reason}`, { cause })
}

/** Forces a file, or a folder's list of names, from the page cache to the disk. */
export function flush(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } catch (error) {
    // Some file systems refuse to flush folders; the rename is still atomic there.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EINVAL' && code !== 'EPERM' && code !== 'EISDIR') throw error
  } finally {
    closeSync(handle)
  }
}
