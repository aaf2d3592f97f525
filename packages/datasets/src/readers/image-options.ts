// What the readers of image collections share: options, result, and the choice of rows.
import { type CallOptions, forEachBatch, mismatch, type NdArray, OodError } from '@ood/core'

/** How images become a batch. */
export interface ImageOptions extends Pick<CallOptions, 'signal' | 'onProgress'> {
  /** Grey by ITU-R 601 luma, one channel, or colour, three (default `rgb`; grey images are repeated). */
  mode?: 'greyscale' | 'rgb' | undefined
  /** Resize to [height, width], bilinear with antialiasing; without it all images must be of one size. */
  size?: readonly [number, number] | undefined
  /** Turn black into white: 255 - value, before resizing. */
  invert?: boolean | undefined
  /** Which images, as positions in the sorted list, in this order (default: all). */
  rows?: ArrayLike<number> | undefined
  /**
   * Told of every image that is broken; it is left out then, of `files` and `labels` as well (default: the first one
   * ends the reading). Images of another size than the first are no broken ones.
   */
  onBroken?: ((file: string, error: OodError) => void) | undefined
  /** Most bytes of the batch (default 2^31). */
  maxBytes?: number | undefined
}

/** Images with the folder each stood in as its class. */
export interface ImageCollection {
  /** [N, C, H, W], values 0..255. */
  images: NdArray<Float32Array>
  /** Index into `classes` of each image. */
  labels: Int32Array
  /** Folder paths in order of code points, `/` between levels; `''` for the top folder. */
  classes: string[]
  /** Path of each image inside the folder or archive. */
  files: string[]
}

/** Every image of a collection, sorted by path, and the ones chosen. */
export function choose(
  paths: readonly string[],
  rows: ArrayLike<number> | undefined,
  where: string,
): {
  files: string[]
  labels: Int32Array
  classes: string[]
} {
  const sorted = [...paths].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const folder = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))
  const classes = [...new Set(sorted.map(folder))].sort((a, b) => (a < b ? -1 : 1))
  const files = rows
    ? Array.from(rows, (row) => {
        // sorted['1'] and sorted[1n] would be found, too.
        const file = Number.isInteger(row) ? sorted[row] : undefined
        if (file === undefined) throw mismatch('E_ARGUMENT', `${where} rows`, `positions 0..${sorted.length - 1}`, row)
        return file
      })
    : sorted
  const index = new Map(classes.map((name, i) => [name, i]))
  return { files, classes, labels: Int32Array.from(files, (file) => index.get(folder(file))!) }
}

/** Does `read` for every file in turn and tells which ones it worked for; broken ones are left out where that is asked for. */
export async function readEach(
  files: readonly string[],
  read: (file: string) => void | Promise<void>,
  where: string,
  options: ImageOptions,
): Promise<boolean[]> {
  const kept = files.map(() => true)
  await forEachBatch(where, files.length, 64, options, async (from, to) => {
    for (let i = from; i < to; i++) {
      try {
        await read(files[i]!)
      } catch (error) {
        if (!options.onBroken || !(error instanceof OodError) || error.code !== 'E_FILE') throw error
        kept[i] = false
        options.onBroken(files[i]!, error)
      }
    }
  })
  if (files.length > 0 && !kept.includes(true))
    throw new OodError('E_EMPTY', `${where}: expected images, got ${files.length} broken ones and no other`)
  return kept
}

/** Whether a file name is one of an image this package decodes. */
export function isImageName(name: string): boolean {
  return /\.(png|jpe?g)$/i.test(name) && !/(^|\/)(\._|__MACOSX\/)/.test(name)
}
