// JPEG XL lossless through the optional package @jsquash/jxl (libjxl in WebAssembly).
import { assertOptions, mismatch } from '@ood/core'
import type { Codec } from '../codec.ts'
import { compilePackageWasm, openPeer, passOn, type WasmModule } from './open-peer.ts'
import { type RgbaImage, rgba } from './rgba.ts'

/** Options of `jpegXlCodec`. */
export interface JpegXlCodecOptions {
  /** Effort 1..9 (default 7; 9 takes about ten times as long for files some 5 to 10 % smaller). */
  effort?: number | undefined
}

/** The part of the package that is used. */
interface Encoder {
  init(wasm?: WasmModule): Promise<unknown>
  default(image: RgbaImage, options: { lossless: true; effort: number }): Promise<ArrayBuffer>
}

/** A bare codestream has a signature of two bytes and no container; its few header bytes are packed with the pixels'. */
const SIGNATURE_BYTES = 2

/**
 * JPEG XL lossless: modular mode with learned trees, the successor of FLIF, whose place it takes (no FLIF encoder is
 * published for JavaScript). Needs `npm install @jsquash/jxl`.
 *
 * @throws OodError `E_UNSUPPORTED` without the package, `E_ARGUMENT`
 * @example
 * const { bits } = await complexity(images, { codecs: [pngCodec(), await jpegXlCodec()] })
 */
export async function jpegXlCodec(options: JpegXlCodecOptions = {}): Promise<Codec> {
  assertOptions('jpegXlCodec', options, ['effort'])
  const { effort = 7 } = options
  if (!(Number.isInteger(effort) && effort >= 1 && effort <= 9))
    throw mismatch('E_ARGUMENT', 'jpegXlCodec effort', 'a whole number 1..9', effort)
  const encoder = await openPeer('jpegXlCodec', '@jsquash/jxl', async () => {
    const peer = (await import('@jsquash/jxl/encode.js').catch(passOn)) as unknown as Encoder
    await peer.init(await compilePackageWasm(['@jsquash/jxl/codec/enc/jxl_enc.wasm']))
    return peer
  })
  return {
    name: 'jpeg-xl',
    lossless: true,
    encode: async (image) => new Uint8Array(await encoder.default(rgba(image), { lossless: true, effort })),
    payload: (file) => file.length - SIGNATURE_BYTES,
  }
}
