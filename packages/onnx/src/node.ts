// @ood/onnx/node: models as files on disk, weights beside them included. The only part of the package that uses Node.
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { mismatch, OodError } from '@ood/core'
import { checkLocation, type ExternalData } from './external.ts'
import { readModel } from './read.ts'
import type { Model } from './types.ts'
import { modelPieces, writeExternal } from './write.ts'

/** How a model is opened. */
export interface OpenOptions {
  /**
   * Folder that weights beside the model must lie in, links followed (default: the model file's own). Download caches
   * that keep files elsewhere and link to them need the cache's folder here.
   */
  readonly root?: string
}

/** How a model is saved. */
export interface SaveOptions {
  /** Tensors of at least so many bytes go to `<path>.data` (default: none does; everything goes into one file). */
  readonly externalThreshold?: number
}

/** Largest file that can be a protobuf message. */
const LARGEST_FILE = 2 ** 31 - 1

/**
 * Opens a model file. Weights stored beside it are read when they are first used; only regular files within the
 * model's folder are, whatever links there are.
 *
 * Cost: one read of the file; memory of its size.
 *
 * @throws OodError `E_FILE` for a file that is missing or no model; later, when weights are first used, for a weights
 *   file that is missing, too short, changed since, or outside the folder
 * @example
 * import { openModel, saveModel } from '@ood/onnx/node'
 * const model = openModel('decode.onnx')
 * saveModel(jvp(model, { wrt: ['z'] }), 'decode_jvp.onnx', { externalThreshold: 1024 })
 */
export function openModel(path: string, options: OpenOptions = {}): Model {
  const file = realpath(path, path)
  const bytes = withFile(file, path, (fd, size) => {
    if (size > LARGEST_FILE) throw mismatch('E_FILE', path, 'at most 2 GB, the limit of the format', `${size} bytes`)
    return readRange(fd, 0, size, path)
  })
  const folder = dirname(resolve(path))
  return readModel(bytes, { external: externalFiles(folder, options.root ?? folder) })
}

/** Reads ranges of files in a folder; refuses what leads out of `root`. */
function externalFiles(folder: string, root: string): ExternalData {
  const stamps = new Map<string, string>()
  return (location, offset, length) => {
    const what = `external data ${location}`
    const inside = realpath(root, root)
    const file = realpath(join(folder, checkLocation(location, what)), what)
    if (!file.startsWith(inside.endsWith(sep) ? inside : inside + sep))
      throw mismatch('E_FILE', what, `a file within ${root}`, 'a link that leaves it')
    return withFile(file, what, (fd, size, stamp) => {
      if ((stamps.get(file) ?? stamp) !== stamp) throw mismatch('E_FILE', what, 'an unchanged file', 'a changed one')
      stamps.set(file, stamp)
      if (offset + length > size) throw mismatch('E_FILE', what, `at least ${offset + length} bytes`, `${size} bytes`)
      return readRange(fd, offset, length, what)
    })
  }
}

/**
 * Saves a model. Both files are written whole under other names first and then put in place, so a failure leaves what
 * was there, and a model may be saved over the files it was opened from. (What was opened from them and not yet used is
 * then gone: open the saved file to go on.)
 *
 * Weights that lie in external files are brought along: into the file, or with `externalThreshold` into `<path>.data`.
 *
 * @throws OodError `E_UNSUPPORTED` for more than 2 GB in one file: give `externalThreshold`
 */
export function saveModel(model: Model, path: string, options: SaveOptions = {}): void {
  const { externalThreshold: threshold } = options
  if (threshold === undefined) {
    replace([{ path, chunks: modelPieces(model, { inline: true }).chunks }])
    return
  }
  const files = writeExternal(model, { location: `${basename(path)}.data`, threshold })
  const data = { path: `${path}.data`, chunks: files.data.chunks }
  replace([...(files.data.size > 0 ? [data] : []), { path, chunks: files.model.chunks }])
}

function replace(files: readonly { path: string; chunks: readonly Uint8Array[] }[]): void {
  const made: string[] = []
  try {
    for (const { path, chunks } of files) {
      const partial = `${path}.${process.pid}.partial`
      made.push(partial)
      const fd = openSync(partial, 'w')
      try {
        for (const chunk of chunks) writeAll(fd, chunk)
      } finally {
        closeSync(fd)
      }
    }
    for (const [i, { path }] of files.entries()) renameSync(made[i]!, path)
  } catch (cause) {
    for (const partial of made) rmSync(partial, { force: true })
    throw cause instanceof OodError
      ? cause
      : new OodError('E_FILE', `${files.at(-1)!.path}: expected a place to write, got ${firstLine(cause)}`, { cause })
  }
}

/** Largest piece the system takes at once. */
const LARGEST_IO = 2 ** 30

function writeAll(fd: number, chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at, Math.min(chunk.length - at, LARGEST_IO))
}

function readRange(fd: number, offset: number, length: number, what: string): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; ) {
    const got = readSync(fd, bytes, at, Math.min(length - at, LARGEST_IO), offset + at)
    if (got === 0) throw mismatch('E_FILE', what, `${length} bytes`, at)
    at += got
  }
  return bytes
}

/** Opens a regular file (never waits on a pipe or device), with its size and what tells that it has changed. */
function withFile<T>(file: string, what: string, use: (fd: number, size: number, stamp: string) => T): T {
  let fd: number
  try {
    fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (cause) {
    throw new OodError('E_FILE', `${what}: expected a file, got ${firstLine(cause)}`, { cause })
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw mismatch('E_FILE', what, 'a regular file', 'something else')
    return use(fd, stat.size, `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeMs}`)
  } finally {
    closeSync(fd)
  }
}

function realpath(path: string, what: string): string {
  try {
    return realpathSync(path)
  } catch (cause) {
    throw new OodError('E_FILE', `${what}: expected a file, got ${firstLine(cause)}`, { cause })
  }
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!
}
