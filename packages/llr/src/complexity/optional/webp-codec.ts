// WebP lossless through the optional package @jsquash/webp (libwebp in WebAssembly).
import { assertOptions, mismatch } from '@ood/core'
import type { Codec } from '../codec.ts'
import { compilePackageWasm, openPeer, passOn, type WasmModule } from './open-peer.ts'
import { type RgbaImage, rgba } from './rgba.ts'

/** Options of `webpCodec`. */
export interface WebpCodecOptions {
  /** Effort 0..6 (default 4; 6 takes several times as long for one or two per cent). */
  method?: number | undefined
}

/** The part of the package that is used. */
interface Encoder {
  init(wasm?: WasmModule): Promise<unknown>
  default(image: RgbaImage, options: { lossless: 1; exact: 1; method: number }): Promise<ArrayBuffer>
}

/** RIFF header 12, VP8L chunk header 8. */
const CONTAINER_BYTES = 20

/**
 * WebP lossless (VP8L). Needs `npm install @jsquash/webp`.
 *
 * @throws OodError `E_UNSUPPORTED` without the package, `E_ARGUMENT`
 * @example
 * const { bits } = await complexity(images, { codecs: [pngCodec(), await webpCodec()] })
 */
export async function webpCodec(options: WebpCodecOptions = {}): Promise<Codec> {
  assertOptions('webpCodec', options, ['method'])
  const { method = 4 } = options
  if (!(Number.isInteger(method) && method >= 0 && method <= 6))
    throw mismatch('E_ARGUMENT', 'webpCodec method', 'a whole number 0..6', method)
  const encoder = await openPeer('webpCodec', '@jsquash/webp', async () => {
    const peer = (await import('@jsquash/webp/encode.js').catch(passOn)) as unknown as Encoder
    const folder = '@jsquash/webp/codec/enc'
    await peer.init(await compilePackageWasm([`${folder}/webp_enc_simd.wasm`, `${folder}/webp_enc.wasm`]))
    return peer
  })
  return {
    name: 'webp',
    lossless: true,
    encode: async (image) => new Uint8Array(await encoder.default(rgba(image), { lossless: 1, exact: 1, method })),
    payload: (file) => file.length - CONTAINER_BYTES,
  }
}
