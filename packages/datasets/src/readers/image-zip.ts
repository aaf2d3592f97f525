// Zip files of PNG and JPEG images, such as Omniglot's.
import { OodError } from '@ood/core'
import { DEFAULT_MAX_BYTES } from '../internal/bounds.ts'
import { ImageStack } from '../internal/image-stack.ts'
import { unzipEntries, type ZipEntry } from '../internal/zip.ts'
import { choose, type ImageCollection, type ImageOptions, isImageName, readEach } from './image-options.ts'

/**
 * Reads the images inside a zip file as `readImageFolder` reads a folder. Nothing is unpacked to disk; entry names
 * that would leave the archive are refused.
 *
 * Memory: the images as they are stored in the zip, and the batch, each at most `maxBytes`. Every image read is compared
 * with its CRC-32 in the archive.
 *
 * @throws OodError as `readImageFolder`, naming the zip and the entry
 * @example
 * const { images } = await readImageZip('images_background_small1.zip', { mode: 'greyscale', size: [28, 28], invert: true })
 */
export async function readImageZip(path: string, options: ImageOptions = {}): Promise<ImageCollection> {
  return stackEntries(await readImageEntries(path, options.maxBytes), path, options)
}

/** The image entries of a zip file, sorted by name, still encoded. */
export async function readImageEntries(path: string, maxBytes: number = DEFAULT_MAX_BYTES): Promise<ZipEntry[]> {
  return unzipEntries(path, maxBytes, isImageName)
}

/** Decodes chosen entries into a batch. */
export async function stackEntries(
  entries: readonly ZipEntry[],
  path: string,
  options: ImageOptions,
): Promise<ImageCollection> {
  if (entries.length === 0) throw new OodError('E_EMPTY', `${path}: expected PNG or JPEG images, got none`)
  const bytes = new Map(entries.map((entry) => [entry.name, entry.bytes]))
  const { files, labels, classes } = choose([...bytes.keys()], options.rows, path)
  const stack = new ImageStack(files.length, options)
  const kept = await readEach(files, (file) => stack.add(bytes.get(file)!, `${path} entry ${file}`), path, options)
  return {
    images: stack.finish(),
    labels: labels.filter((_, i) => kept[i]),
    classes,
    files: files.filter((_, i) => kept[i]),
  }
}
