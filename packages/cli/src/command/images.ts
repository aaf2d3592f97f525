// Reads the images or sequences a command names: a picture, a folder, a .zip, .npy or IDX file, or a data set by name.
import { statSync } from 'node:fs'
import { basename } from 'node:path'
import { mismatch, type NdArray, OodError, type Progress, rowCount, tensor } from '@ood/core'
import { type FileKind, fileKind, foundKind } from './file-kind.ts'

/** Images that could not be read and were left out, each with the reason. */
export type Skipped = readonly { name: string; reason: string }[]

/** Told which images of a source were left out. */
type OnSkipped = (skipped: Skipped, source: string) => void

/** Images with a name for each row: its file, or its row number. */
export interface NamedImages {
  images: NdArray
  names: string[]
  skipped: Skipped
}

/** How to read them. */
export interface ImagesOptions {
  /** Shape of one row as the model takes it: [C, H, W] of images, [T] of sequences. */
  shape: readonly number[]
  /** Sequences may have another length than `shape` says. */
  anyLength?: boolean | undefined
  /** At most this many: the first ones of a file or folder, a seeded draw from a data set. */
  limit?: number | undefined
  /** Resize pictures of another size. */
  resize?: boolean | undefined
  /** Turn black into white. */
  invert?: boolean | undefined
  /** What a broken picture does: `stop` (default) ends the command, `skip` leaves it out. */
  onError?: 'stop' | 'skip' | undefined
  seed?: number | undefined
  dataDir?: string | undefined
  signal?: AbortSignal | undefined
  onProgress?: ((progress: Progress) => void) | undefined
  onSkipped?: OnSkipped | undefined
}

/**
 * Reads images from `source`; what a file is, its first bytes say:
 * - a PNG or JPEG file, a folder of them, or a `.zip`
 * - the array `embeddings`, `features` or `images` of a `.npz` file, or its only one
 * - a `.npy` array [N, H, W] or [N, C, H, W], or an IDX file, gzipped or not; [N, T] for models of sequences
 * - `<data set>:<split>` (`mnist:test`), downloaded when needed, or `sample:<data set>:<split>`, which is never
 *
 * @throws OodError `E_FILE` for what is missing, broken or no image, `E_UNKNOWN_NAME`, or `E_SHAPE` for images of another
 *   shape than the model takes
 */
export async function readImages(source: string, options: ImagesOptions): Promise<NamedImages> {
  const isThere = statSync(source, { throwIfNoEntry: false }) !== undefined
  const found = await (isThere ? readPath(source, options) : readByName(source, options))
  const { images } = found
  const [channels] = options.shape
  const shaped = images.shape.length === 3 && channels === 1 ? withChannel(images) : images
  const rows = options.shape.length === 1 ? 'row' : 'image'
  const fits = options.anyLength ? shaped.shape.length === 2 : shaped.shape.slice(1).join() === options.shape.join()
  if (!fits) {
    const shape = options.anyLength ? 'T' : options.shape.join(', ')
    throw mismatch(
      'E_SHAPE',
      source,
      `${rows}s [N, ${shape}]`,
      `[${images.shape.join(', ')}]${shapeHint(found, options)}`,
    )
  }
  if (rowCount(shaped) === 0) throw mismatch('E_EMPTY', source, `at least one ${rows}`, 'none')
  options.onSkipped?.(found.skipped, source)
  return { ...found, images: shaped }
}

/** What to do about images of another shape, where an option of the command does it. */
function shapeHint({ images, kind }: Found, { shape, resize }: ImagesOptions): string {
  const [, channels, height, width] = images.shape
  const pictures = kind === 'folder' || kind === 'zip' || kind === 'image'
  if (pictures && !resize && (height !== shape[1] || width !== shape[2])) return ' (--resize resizes them)'
  const last = images.shape.length === 4 && [width, channels, height].join() === shape.join()
  return last ? ' (channels last? the order is [N, C, H, W])' : ''
}

interface Found extends NamedImages {
  kind?: FileKind
}

async function readPath(source: string, options: ImagesOptions): Promise<Found> {
  const { listImages, readIdx, readIdxShape, readImage, readImageFolder, readImageZip, readNpy, toBatch } =
    await import('@ood/datasets')
  const { shape, limit, resize, invert, signal, onProgress } = options
  const kind = await fileKind(source)
  if (kind === 'zip' && /\.npz$/i.test(source)) return first(numbered(await readArray(source)), limit)
  if (shape.length !== 3 && (kind === 'folder' || kind === 'zip' || kind === 'image'))
    throw mismatch('E_SHAPE', source, `an array of rows [N, ${options.anyLength ? 'T' : shape.join(', ')}]`, 'pictures')
  const skipped: { name: string; reason: string }[] = []
  const picture = {
    mode: shape[0] === 1 ? ('greyscale' as const) : ('rgb' as const),
    size: resize ? ([shape[1]!, shape[2]!] as const) : undefined,
    invert,
    signal,
    onProgress,
    onBroken:
      options.onError === 'skip'
        ? (name: string, error: OodError) => void skipped.push({ name, reason: error.message })
        : undefined,
  }
  if (kind === 'folder') {
    const rows = firstRows((await listImages(source)).length, limit)
    const { images, files } = await readImageFolder(source, { ...picture, rows })
    return { images, names: files, skipped, kind }
  }
  if (kind === 'zip') {
    const { images, files } = await readImageZip(source, picture)
    return { ...first({ images, names: files, skipped }, limit), kind }
  }
  if (kind === 'image') return { images: await readImage(source, picture), names: [basename(source)], skipped, kind }
  if (resize || invert) throw mismatch('E_ARGUMENT', '--resize and --invert', 'pictures (PNG, JPEG, .zip)', source)
  if (kind === 'npy') return { ...first(numbered(toBatch(await readNpy(source))), limit), kind }
  if (kind === 'idx') {
    const rows = firstRows((await readIdxShape(source))[0] ?? 0, limit)
    return { ...numbered(toBatch(await readIdx(source, { rows, signal }))), kind }
  }
  const kinds = 'a PNG, JPEG, .zip, .npy or IDX file, or a folder of pictures'
  throw mismatch('E_FILE', source, kinds, await foundKind(source))
}

/** Arrays of a .npz file that rows are read from, in this order. */
const ARRAYS = ['embeddings', 'features', 'images']

/** The array of a .npz file that holds rows. */
async function readArray(source: string): Promise<NdArray> {
  const { readNpz, toBatch } = await import('@ood/datasets')
  const arrays = await readNpz(source)
  const names = Object.keys(arrays)
  const name = ARRAYS.find((known) => names.includes(known)) ?? (names.length === 1 ? names[0]! : undefined)
  if (name === undefined)
    throw mismatch(
      'E_FILE',
      source,
      `an array called ${ARRAYS.join(', ')}, or a single one`,
      names.join(', ') || 'none',
    )
  return toBatch(arrays[name]!)
}

async function readByName(source: string, options: ImagesOptions): Promise<NamedImages> {
  const { datasetNames, loadDataset, loadSample } = await import('@ood/datasets')
  const parts = source.split(':')
  const sample = parts[0] === 'sample'
  const [name = '', split = 'test', ...rest] = sample ? parts.slice(1) : parts
  // A mistyped path is likelier than a data set with a slash or a dot in its name.
  if (/[/\\.]/.test(source) || rest.length > 0)
    throw mismatch('E_FILE', source, 'a file or folder of images', 'nothing there')
  if (options.resize || options.invert)
    throw mismatch('E_ARGUMENT', '--resize and --invert', 'pictures (PNG, JPEG, .zip)', source)
  const { limit, seed = 0, dataDir, signal, onProgress } = options
  const draw = { seed, limit }
  const which = split as 'train' | 'test'
  const { images, indices } = sample
    ? await loadSample(name, which, draw)
    : await loadDataset(name, {
        ...draw,
        split: which,
        dataDir,
        signal,
        onProgress,
      }).catch((cause: unknown) => {
        if (!(cause instanceof OodError && cause.code === 'E_UNKNOWN_NAME' && parts.length === 1)) throw cause
        const known = `a file, a folder, or a data set (${datasetNames.join(', ')})`
        throw new OodError('E_UNKNOWN_NAME', `${source}: expected ${known}, got nothing of that name`, { cause })
      })
  return { images, names: Array.from(indices, String), skipped: [] }
}

function firstRows(total: number, limit = total): number[] {
  return Array.from({ length: Math.min(total, limit) }, (_, i) => i)
}

function first({ images, names, skipped }: NamedImages, limit = names.length): NamedImages {
  if (limit >= names.length) return { images, names, skipped }
  const size = images.size / names.length
  const data = images.data.subarray(images.offset, images.offset + limit * size)
  return {
    images: tensor(data as Float32Array, [limit, ...images.shape.slice(1)]),
    names: names.slice(0, limit),
    skipped,
  }
}

function numbered(images: NdArray): NamedImages {
  return { images, names: Array.from({ length: rowCount(images) }, (_, i) => String(i)), skipped: [] }
}

function withChannel(images: NdArray): NdArray {
  const [n, height, width] = images.shape as [number, number, number]
  return tensor(images.data as Float32Array, [n, 1, height, width])
}
