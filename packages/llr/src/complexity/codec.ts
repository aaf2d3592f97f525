// What an image compressor is here: the interface every codec of the complexity score implements.

/** An 8-bit image as encoders want it: rows from the top, channels of a pixel side by side (HWC). */
export interface ByteImage {
  readonly width: number
  readonly height: number
  /** 1 (grey) or 3 (RGB). */
  readonly channels: 1 | 3
  /** `height * width * channels` bytes. */
  readonly data: Uint8Array
}

/**
 * A compressor of 8-bit images. Sizes are what counts: 8 times the bytes of a lossless file is an upper bound, up to a
 * constant, on the Kolmogorov complexity of the image (Serra et al. 2020, section 3). Anything with these members will do.
 *
 * @example
 * const rawDeflate: Codec = { name: 'deflate', lossless: true, encode: ({ data }) => deflateSync(data) }
 */
export interface Codec {
  /** Name in tables, unique among the codecs of a call. */
  readonly name: string
  /** Whether decoding gives back the same pixels. */
  readonly lossless: boolean
  /** The compressed file. One that throws drops out for that image. */
  encode(image: ByteImage): Uint8Array | Promise<Uint8Array>
  /** Bytes of such a file that code pixels, without signature, headers and checksums. */
  payload?(file: Uint8Array): number
}
