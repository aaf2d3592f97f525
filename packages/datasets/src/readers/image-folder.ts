// Folders of PNG and JPEG files, one sub-folder a class.
import { opendir, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { type NdArray, OodError } from '@ood/core'
import { fileError, fileReason, readBounded } from '@ood/core/node'
import { ImageStack } from '../internal/image-stack.ts'
import { choose, type ImageCollection, type ImageOptions, isImageName, readEach } from './image-options.ts'

/** Largest image file: 64 MiB. */
const MAX_FILE = 2 ** 26

/**
 * Reads the PNG and JPEG images of a folder and its sub-folders in sorted order (by code points of the path); the
 * class of an image is the folder it stands in. Other files are passed over. Links that lead out of the folder are
 * refused. JPEGs go through a pure JavaScript decoder, which can differ from libjpeg by a few levels where colour is
 * subsampled.
 *
 * Memory: the batch and one image.
 *
 * @throws OodError `E_FILE` naming the image that is broken, missing or leads outside; `E_EMPTY` when there is none;
 *   `E_SHAPE` for images of several sizes without `size`; `E_ARGUMENT` when the batch exceeds `maxBytes`
 * @example
 * const { images, labels } = await readImageFolder('svhn/test', { mode: 'greyscale', size: [28, 28] })
 */
export async function readImageFolder(folder: string, options: ImageOptions = {}): Promise<ImageCollection> {
  const paths = await listImages(folder)
  const { files, labels, classes } = choose(paths, options.rows, folder)
  const stack = new ImageStack(files.length, options)
  const read = async (file: string): Promise<void> => {
    const path = join(folder, file)
    stack.add(await readBounded(path, MAX_FILE), path)
  }
  const kept = await readEach(files, read, folder, options)
  return {
    images: stack.finish(),
    labels: labels.filter((_, i) => kept[i]),
    classes,
    files: files.filter((_, i) => kept[i]),
  }
}

/**
 * Reads one PNG or JPEG image as a batch of one row, whatever its name.
 *
 * @throws OodError `E_FILE` for what is missing, broken or no image
 * @example
 * const x = await readImage('photo.jpg', { mode: 'greyscale', size: [28, 28] }) // [1, 1, 28, 28]
 */
export async function readImage(path: string, options: ImageOptions = {}): Promise<NdArray<Float32Array>> {
  const stack = new ImageStack(1, options)
  stack.add(await readBounded(path, MAX_FILE), path)
  return stack.finish()
}

/**
 * Paths of the images under a folder, relative to it, `/` between levels, sorted by code points: row i of
 * `readImageFolder` is entry i here.
 *
 * @throws OodError as `readImageFolder`
 */
export async function listImages(folder: string): Promise<string[]> {
  const root = await realpath(folder).catch((error: unknown) => {
    throw fileError(folder, 'a folder', error)
  })
  const found: string[] = []
  await walk(root, '', folder, found)
  if (found.length === 0) throw new OodError('E_EMPTY', `${folder}: expected PNG or JPEG images, got none`)
  return found.sort((a, b) => (a < b ? -1 : 1))
}

async function walk(root: string, below: string, shown: string, found: string[]): Promise<void> {
  const entries = await opendir(join(root, below)).catch((error: unknown) => {
    throw fileError(join(shown, below), 'a readable folder', error)
  })
  for await (const entry of entries) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) await walk(root, path, shown, found)
    else if (entry.isFile() && isImageName(path)) found.push(path)
    else if (entry.isSymbolicLink() && isImageName(path)) {
      // A link to a file inside the folder is a copy without the bytes; one that leads out is not ours to follow.
      const target = await realpath(join(root, path)).catch((error: unknown) => fileReason(error))
      if (!target.startsWith(root + sep)) throw fileError(join(shown, path), 'a link inside the folder', target)
      found.push(path)
    }
  }
}
