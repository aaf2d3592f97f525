// JPEG 2000 lossless through the optional package @cornerstonejs/codec-openjpeg (OpenJPEG in WebAssembly).
import { assertOptions, mismatch, OodError } from '@ood/core'
import type { ByteImage, Codec } from '../codec.ts'
import { openPeer, passOn, reasonOf } from './open-peer.ts'
import type { OpenJpeg } from './openjpeg.ts'

/** Options of `jpeg2000Codec`. */
export interface Jpeg2000CodecOptions {
  /** Wavelet levels to try; the smallest file is kept (default: 0 to 5). Those an image is too small for are left out. */
  decompositions?: readonly number[] | undefined
}

/**
 * JPEG 2000 lossless (reversible 5/3 wavelet), a bare codestream without the JP2 container. The reference names this
 * format but writes a lossy JPEG (see `jpegCodec`): real JPEG 2000 allows an image of 28 x 28 at most 4 wavelet levels
 * (2^levels <= its smaller side), one fewer than encoders take by default. Needs
 * `npm install @cornerstonejs/codec-openjpeg`.
 *
 * About 120 bytes of a file are headers (37 of them the encoder's name): `payload` counts what follows them.
 *
 * @throws OodError `E_UNSUPPORTED` without the package, `E_ARGUMENT`
 * @example
 * const { bits } = await complexity(images, { codecs: [pngCodec(), await jpeg2000Codec()] })
 */
export async function jpeg2000Codec(options: Jpeg2000CodecOptions = {}): Promise<Codec> {
  assertOptions('jpeg2000Codec', options, ['decompositions'])
  const { decompositions = [0, 1, 2, 3, 4, 5] } = options
  if (decompositions.length === 0 || !decompositions.every((n) => Number.isInteger(n) && n >= 0 && n <= 32))
    throw mismatch('E_ARGUMENT', 'jpeg2000Codec decompositions', 'whole numbers 0..32', [...decompositions])
  const openJpeg = await openPeer('jpeg2000Codec', '@cornerstonejs/codec-openjpeg', async () => {
    const { default: open } = await import('@cornerstonejs/codec-openjpeg/wasmjs').catch(passOn)
    const quiet = () => {}
    return open({ print: quiet, printErr: quiet })
  })
  return {
    name: 'jpeg2000',
    lossless: true,
    encode(image) {
      const most = Math.floor(Math.log2(Math.min(image.width, image.height)))
      const fitting = decompositions.filter((n) => n <= most)
      if (fitting.length === 0)
        throw mismatch('E_ARGUMENT', 'jpeg2000Codec decompositions', `one of at most ${most} for this image`, [
          ...decompositions,
        ])
      const files = fitting.map((levels) => encodeOnce(openJpeg, image, levels))
      return files.reduce((best, file) => (file.length < best.length ? file : best))
    },
    payload: (file) => file.length - headerBytes(file) - 2,
  }
}

function encodeOnce(openJpeg: OpenJpeg, image: ByteImage, levels: number): Uint8Array {
  const { width, height, channels, data } = image
  const encoder = new openJpeg.J2KEncoder()
  try {
    const frame = { width, height, bitsPerSample: 8, componentCount: channels, isSigned: false }
    encoder.getDecodedBuffer(frame).set(data)
    encoder.setQuality(true, 0)
    encoder.setDecompositions(levels)
    encoder.encode()
    // The buffer is a view of the engine's memory, which the next image overwrites.
    return Uint8Array.from(encoder.getEncodedBuffer())
  } catch (cause) {
    throw new OodError('E_RUNTIME', `jpeg2000Codec: expected a codestream, got ${reasonOf(cause)}`, { cause })
  } finally {
    encoder.delete()
  }
}

/** Bytes up to and including the marker 0xff93 that begins the first tile's data (ITU-T T.800, annex A.2). */
function headerBytes(file: Uint8Array): number {
  let at = 2
  while (at + 3 < file.length && !(file[at] === 0xff && file[at + 1] === 0x93))
    at += 2 + ((file[at + 2]! << 8) | file[at + 3]!)
  return at + 2
}
