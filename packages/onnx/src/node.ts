// @ood/onnx/node: models as files on disk, weights beside them included. The only part of the package that uses Node.
import { realpathSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { mismatch } from '@ood/core'
import { fileError, type OpenFile, withFileSync, writeFilesAtomicSync } from '@ood/core/node'
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
  readonly root?: string | undefined
}

/** How a model is saved. */
export interface SaveOptions {
  /** Tensors of at least so many bytes go to `<path>.data` (default: none does; everything goes into one file). */
  readonly externalThreshold?: number | undefined
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
  const whole = ({ size, read }: OpenFile<Uint8Array>): Uint8Array => {
    if (size > LARGEST_FILE) throw mismatch('E_FILE', path, 'at most 2 GB, the limit of the format', `${size} bytes`)
    return read(0, size)
  }
  const bytes = withFileSync(file, whole, path)
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
    const range = ({ size, stamp, read }: OpenFile<Uint8Array>): Uint8Array => {
      if ((stamps.get(file) ?? stamp) !== stamp) throw mismatch('E_FILE', what, 'an unchanged file', 'a changed one')
      stamps.set(file, stamp)
      if (offset + length > size) throw mismatch('E_FILE', what, `at least ${offset + length} bytes`, `${size} bytes`)
      return read(offset, length)
    }
    return withFileSync(file, range, what)
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
    writeFilesAtomicSync([{ path, data: modelPieces(model, { inline: true }).chunks }])
    return
  }
  const files = writeExternal(model, { location: `${basename(path)}.data`, threshold })
  const weights = { path: `${path}.data`, data: files.data.chunks }
  writeFilesAtomicSync([...(files.data.size > 0 ? [weights] : []), { path, data: files.model.chunks }])
}

function realpath(path: string, what: string): string {
  try {
    return realpathSync(path)
  } catch (cause) {
    throw fileError(what, 'a file', cause)
  }
}
