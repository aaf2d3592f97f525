// Files of stored detectors: bounded reading inside a folder, hashes, copies, flushing to disk.
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, mkdir, open, readdir, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, sep } from 'node:path'
import { mismatch, OodError } from '@ood/core'

/** A model folder holds a handful of files; more is some other folder. */
const MAX_FILES = 1000
const MAX_DEPTH = 8

/** A regular file's whole contents, refused when larger than `maxBytes`. Never waits on a pipe or device. */
export async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  return await withFile(path, async (handle, size) => {
    if (size > maxBytes) throw mismatch('E_FILE', path, `at most ${maxBytes} bytes`, size)
    const bytes = new Uint8Array(size)
    let at = 0
    // A file that grows or shrinks meanwhile is read up to what it was.
    while (at < size) {
      const { bytesRead } = await handle.read(bytes, at, size - at, at)
      if (bytesRead === 0) throw mismatch('E_FILE', path, `${size} bytes`, at)
      at += bytesRead
    }
    return bytes
  })
}

/** SHA-256 of a regular file in lower-case hex, 1 MB at a time. */
export async function sha256(path: string): Promise<string> {
  return await withFile(path, async (handle, size) => {
    const hash = createHash('sha256')
    const piece = new Uint8Array(2 ** 20)
    for (let at = 0; at < size; ) {
      const { bytesRead } = await handle.read(piece, 0, Math.min(piece.length, size - at), at)
      if (bytesRead === 0) throw mismatch('E_FILE', path, `${size} bytes`, at)
      hash.update(piece.subarray(0, bytesRead))
      at += bytesRead
    }
    return hash.digest('hex')
  })
}

type Handle = Awaited<ReturnType<typeof open>>

async function withFile<T>(path: string, use: (handle: Handle, size: number) => Promise<T>): Promise<T> {
  let handle: Handle | undefined
  try {
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const info = await handle.stat()
    if (!info.isFile()) throw mismatch('E_FILE', path, 'a regular file', info.isDirectory() ? 'a folder' : 'none')
    return await use(handle, info.size)
  } catch (cause) {
    throw fileError(path, 'a readable file', cause)
  } finally {
    await handle?.close()
  }
}

/**
 * Regular files below a folder by relative name with `/`, in order. Links and special files are refused: a copy of
 * them would not be what was hashed.
 */
export async function listFiles(folder: string): Promise<string[]> {
  const found: string[] = []
  const walk = async (below: string, depth: number): Promise<void> => {
    const entries = await readdir(join(folder, below), { withFileTypes: true }).catch((cause: unknown) => {
      throw fileError(join(folder, below), 'a readable folder', cause)
    })
    for (const entry of entries) {
      const name = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory() && depth < MAX_DEPTH) await walk(name, depth + 1)
      else if (entry.isFile()) found.push(name)
      else throw mismatch('E_FILE', join(folder, name), 'a regular file of a model folder', kindOf(entry))
      if (found.length > MAX_FILES)
        throw mismatch('E_FILE', folder, `a model folder of at most ${MAX_FILES} files`, 'more')
    }
  }
  await walk('', 0)
  if (found.length === 0) throw new OodError('E_FILE', `${folder}: expected a model folder, got one without files`)
  return found.sort()
}

function kindOf(entry: { isSymbolicLink(): boolean; isDirectory(): boolean }): string {
  return entry.isSymbolicLink() ? 'a link' : entry.isDirectory() ? 'folders too deep' : 'a special file'
}

/** Copies files of a folder (shared blocks where the file system can) and flushes them to disk. */
export async function copyFiles(from: string, to: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const target = join(to, name)
    try {
      await mkdir(dirname(target), { recursive: true })
      await copyFile(join(from, name), target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    } catch (cause) {
      throw fileError(target, 'a copied file', cause)
    }
    await flush(target)
  }
}

/** Forces a file, or a folder's list of names, to the disk. */
export async function flush(path: string): Promise<void> {
  let handle: Handle | undefined
  try {
    handle = await open(path, 'r')
    await handle.sync()
  } catch (cause) {
    // Some systems refuse to flush folders; renaming is atomic there all the same.
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    if (!['EINVAL', 'EPERM', 'EISDIR', 'EACCES'].includes(code))
      throw fileError(path, 'a file that can be flushed', cause)
  } finally {
    await handle?.close()
  }
}

/**
 * The real path of `name`, which must lie in `root` after following links; names come from files of other people.
 *
 * @throws OodError `E_FILE` for absolute names, other drives, NUL, and what leads out of `root`
 */
export async function inside(root: string, folder: string, name: string, what: string): Promise<string> {
  if (name === '' || name.includes('\0') || name.includes('\\') || isAbsolute(name) || /^[a-z]:/i.test(name))
    throw mismatch('E_FILE', what, 'a relative path with /', name)
  const path = join(folder, name)
  let top: string
  let real: string
  try {
    top = await realpath(root)
    // From the real folder on: `..` of a linked folder is its target's parent, as for the system.
    real = await realpath(join(await realpath(folder), name))
  } catch (cause) {
    throw fileError(path, 'a file or folder', cause)
  }
  if (real !== top && !real.startsWith(top.endsWith(sep) ? top : top + sep))
    throw mismatch('E_FILE', what, `a path inside ${root}`, `${name}, which leads out of it`)
  return real
}

/** The house form of a file system failure. */
export function fileError(path: string, expected: string, cause: unknown): OodError {
  if (cause instanceof OodError) return cause
  const { code, message } = cause as NodeJS.ErrnoException
  return new OodError(
    'E_FILE',
    `${path}: expected ${expected}, got ${code === 'ENOENT' ? 'none' : (code ?? message)}`,
    {
      cause,
    },
  )
}
