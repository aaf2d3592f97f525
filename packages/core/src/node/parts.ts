// Temporary names, what a killed process leaves of them, and flushing to the disk.
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError } from './errors.ts'

/** Ending of every temporary name; whatever ends so was left by a killed process, unless one is at work. */
export const PART = '.part'

/** A temporary name beside `path` that no other writer uses. */
export function partName(path: string): string {
  return `${path}.${process.pid}-${randomBytes(4).toString('hex')}${PART}`
}

/** Removes temporary files and folders anywhere under `folder`. For folders that nobody else is writing to. */
export function removeParts(folder: string): void {
  if (!existsSync(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.name.endsWith(PART)) rmSync(path, { recursive: true, force: true })
    else if (entry.isDirectory()) removeParts(path)
  }
}

// Some file systems refuse to flush folders; the rename is atomic there all the same.
const CANNOT_FLUSH = ['EINVAL', 'EPERM', 'EISDIR', 'EACCES']

/** Forces a file, or a folder's list of names, from the page cache to the disk. */
export async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r').catch((cause: unknown) => ignoreRefusal(path, cause))
  if (!handle) return
  try {
    await handle.sync()
  } catch (cause) {
    ignoreRefusal(path, cause)
  } finally {
    await handle.close()
  }
}

/** As `flush`, while the thread waits. */
export function flushSync(path: string): void {
  let handle: number | undefined
  try {
    handle = openSync(path, 'r')
    fsyncSync(handle)
  } catch (cause) {
    ignoreRefusal(path, cause)
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}

function ignoreRefusal(path: string, cause: unknown): undefined {
  if (CANNOT_FLUSH.includes((cause as NodeJS.ErrnoException).code ?? '')) return undefined
  throw fileError(path, 'a file that can be flushed', cause)
}
