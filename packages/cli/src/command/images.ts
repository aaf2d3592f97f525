// Reads the images a command names: a folder, a .zip, .npy or IDX file, or a data set by name.
import { statSync } from 'node:fs'
import { mismatch, type NdArray, type Progress, rowCount, tensor } from '@ood/core'

/** Images with a name for each row: its file, or its row number. */
export interface NamedImages {
  images: NdArray
  names: string[]
}

/** How to read them. */
export interface ImagesOptions {
  /** Shape of one image as the model takes it, [C, H, W]. */
  shape: readonly number[]
  /** At most this many: the first ones of a file or folder, a seeded draw from a data set. */
  limit?: number | undefined
  /** Resize pictures of another size. */
  resize?: boolean | undefined
  /** Turn black into white. */
  invert?: boolean | undefined
  seed?: number | undefined
  dataDir?: string | undefined
  signal?: AbortSignal | undefined
  onProgress?: ((progress: Progress) => void) | undefined
}

/**
 * Reads images from `source`:
 * - a folder of PNG and JPEG files, or a `.zip` of them
 * - a `.npy` array [N, H, W] or [N, C, H, W], or an IDX file, gzipped or not
 * - `<data set>:<split>` (`mnist:test`), downloaded when needed, or `sample:<data set>:<split>`, which is never
 *
 * @throws OodError `E_FILE`, `E_UNKNOWN_NAME`, or `E_SHAPE` for images of another shape than the model takes
 */
export async function readImages(source: string, options: ImagesOptions): Promise<NamedImages> {
  const found = await (kindOf(source) === 'name' ? readByName(source, options) : readPath(source, options))
  const { images } = found
  const [channels, height, width] = options.shape
  const shaped = images.shape.length === 3 && channels === 1 ? withChannel(images) : images
  if (shaped.shape.slice(1).join() !== options.shape.join())
    throw mismatch('E_SHAPE', source, `images [N, ${channels}, ${height}, ${width}]`, `[${images.shape.join(', ')}]`)
  if (rowCount(shaped) === 0) throw mismatch('E_EMPTY', source, 'at least one image', 'none')
  return { ...found, images: shaped }
}

function kindOf(source: string): 'folder' | 'file' | 'name' {
  const found = statSync(source, { throwIfNoEntry: false })
  return found === undefined ? 'name' : found.isDirectory() ? 'folder' : 'file'
}

async function readPath(source: string, options: ImagesOptions): Promise<NamedImages> {
  const { listImages, readIdx, readIdxShape, readImageFolder, readImageZip, readNpy, toBatch } = await import(
    '@ood/datasets'
  )
  const { shape, limit, resize, invert, signal, onProgress } = options
  const picture = {
    mode: shape[0] === 1 ? ('greyscale' as const) : ('rgb' as const),
    ...(resize ? { size: [shape[1]!, shape[2]!] as const } : {}),
    ...(invert ? { invert } : {}),
    ...(signal ? { signal } : {}),
    ...(onProgress ? { onProgress } : {}),
  }
  if (kindOf(source) === 'folder') {
    const rows = firstRows((await listImages(source)).length, limit)
    const { images, files } = await readImageFolder(source, { ...picture, rows })
    return { images, names: files }
  }
  if (/\.zip$/i.test(source)) {
    const { images, files } = await readImageZip(source, picture)
    return first({ images, names: files }, limit)
  }
  if (resize || invert) throw mismatch('E_ARGUMENT', '--resize and --invert', 'a folder or .zip of pictures', source)
  if (/\.npy$/i.test(source)) return first(numbered(toBatch(await readNpy(source))), limit)
  const rows = firstRows((await readIdxShape(source))[0] ?? 0, limit)
  return numbered(toBatch(await readIdx(source, { rows, ...(signal ? { signal } : {}) })))
}

async function readByName(source: string, options: ImagesOptions): Promise<NamedImages> {
  const { loadDataset, loadSample } = await import('@ood/datasets')
  const parts = source.split(':')
  const sample = parts[0] === 'sample'
  const [name = '', split = 'test', ...rest] = sample ? parts.slice(1) : parts
  // A mistyped path is likelier than a data set with a slash or a dot in its name.
  if (/[/\\.]/.test(name) || rest.length > 0)
    throw mismatch('E_FILE', 'images', 'a folder, a file, <data set>:<split> or sample:<data set>:<split>', source)
  const { limit, seed = 0, dataDir, signal, onProgress } = options
  const draw = { seed, ...(limit === undefined ? {} : { limit }) }
  const which = split as 'train' | 'test'
  const { images, indices } = sample
    ? await loadSample(name, which, draw)
    : await loadDataset(name, {
        ...draw,
        split: which,
        ...(dataDir ? { dataDir } : {}),
        ...(signal ? { signal } : {}),
        ...(onProgress ? { onProgress } : {}),
      })
  return { images, names: Array.from(indices, String) }
}

function firstRows(total: number, limit = total): number[] {
  return Array.from({ length: Math.min(total, limit) }, (_, i) => i)
}

function first({ images, names }: NamedImages, limit = names.length): NamedImages {
  if (limit >= names.length) return { images, names }
  const size = images.size / names.length
  const data = images.data.subarray(images.offset, images.offset + limit * size)
  return { images: tensor(data as Float32Array, [limit, ...images.shape.slice(1)]), names: names.slice(0, limit) }
}

function numbered(images: NdArray): NamedImages {
  return { images, names: Array.from({ length: rowCount(images) }, (_, i) => String(i)) }
}

function withChannel(images: NdArray): NdArray {
  const [n, height, width] = images.shape as [number, number, number]
  return tensor(images.data as Float32Array, [n, 1, height, width])
}
