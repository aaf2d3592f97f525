// Reading files that a manifest names: bounded in size, and never outside its folder.
import { open, realpath } from 'node:fs/promises'
import { isAbsolute, join, sep } from 'node:path'
import { mismatch, OodError } from '@ood/core'

/** The whole file, refused before reading when it is no regular file or larger than `maxBytes`. */
export async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  const handle = await open(path).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(path, cause)
  })
  try {
    const info = await handle.stat()
    if (!info.isFile()) throw mismatch('E_FILE', path, 'a file', info.isDirectory() ? 'a folder' : 'a special file')
    if (info.size > maxBytes) throw mismatch('E_FILE', path, `at most ${maxBytes} bytes`, info.size)
    return new Uint8Array(await handle.readFile())
  } catch (cause) {
    if (cause instanceof OodError) throw cause
    throw unreadable(path, cause as NodeJS.ErrnoException)
  } finally {
    await handle.close()
  }
}

/**
 * The real path of `file` inside `folder`. Manifests come from elsewhere, so absolute names, `..` and links that lead
 * out of the folder are refused.
 */
export async function insideFolder(folder: string, file: string, what: string): Promise<string> {
  const parts = file.split(/[\\/]/)
  if (isAbsolute(file) || /^[a-z]:/i.test(file) || parts.includes('..') || file.includes('\0'))
    throw mismatch('E_MANIFEST', what, 'a file name inside the folder', file)
  const path = join(folder, file)
  const [root, real] = await Promise.all([realpath(folder), realpath(path)]).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(path, cause)
  })
  if (!real.startsWith(root.endsWith(sep) ? root : root + sep))
    throw mismatch('E_MANIFEST', what, 'a file name inside the folder', `${file}, a link that leads out of it`)
  return path
}

function unreadable(path: string, cause: NodeJS.ErrnoException): OodError {
  const got = cause.code === 'ENOENT' ? 'none' : (cause.code ?? cause.message)
  return new OodError('E_FILE', `${path}: expected a readable file, got ${got}`, { cause })
}
