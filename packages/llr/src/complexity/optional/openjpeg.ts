// The part of @cornerstonejs/codec-openjpeg that is used; the package has no types of its own.

/** A running module: constructors of encoders and decoders. */
export interface OpenJpeg {
  J2KEncoder: new () => OpenJpegEncoder
}

/** One encoder; `delete` frees its memory. */
interface OpenJpegEncoder {
  /** Where the pixels go, channels last. */
  getDecodedBuffer(frame: {
    width: number
    height: number
    bitsPerSample: number
    componentCount: number
    isSigned: boolean
  }): Uint8Array
  setQuality(lossless: boolean, rate: number): void
  setDecompositions(levels: number): void
  encode(): void
  getEncodedBuffer(): Uint8Array
  delete(): void
}

/** Starts a module; messages go to `print` and `printErr`. */
export type OpenOpenJpeg = (options: {
  print: (text: string) => void
  printErr: (text: string) => void
}) => Promise<OpenJpeg>
