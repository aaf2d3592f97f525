// Images that are already in memory, as a batch: what a browser has of a chosen file or an answer from the network.
import { mismatch, type NdArray } from '@ood/core'
import { ImageStack } from '../internal/image-stack.ts'
import type { ImageOptions } from '../readers/image-options.ts'

/** The bytes of a PNG or JPEG, and what errors call it. */
export interface EncodedImage {
  name: string
  bytes: Uint8Array
}

/**
 * Decodes PNG and JPEG images (told by their first bytes) to a batch, exactly as `readImageFolder` does.
 *
 * @returns [N, C, H, W], values 0..255
 * @throws OodError `E_FILE` naming the image and what is wrong with it, `E_SHAPE` for images of several sizes without
 *   `size`
 * @example
 * const files = await Promise.all(
 *   [...input.files].map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })),
 * )
 * const images = decodeImages(files, { mode: 'greyscale', size: [28, 28] })
 */
export function decodeImages(
  images: readonly EncodedImage[],
  options: Pick<ImageOptions, 'mode' | 'size' | 'invert' | 'maxBytes'> = {},
): NdArray<Float32Array> {
  const stack = new ImageStack(images.length, options)
  for (const { name, bytes } of images) {
    if (!(bytes instanceof Uint8Array)) throw mismatch('E_ARGUMENT', `decodeImages ${name}`, 'a Uint8Array', bytes)
    stack.add(bytes, name)
  }
  return stack.finish()
}
