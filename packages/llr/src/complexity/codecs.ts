// Codecs by name, and whichever of them are installed.
import { OodError, unknownName } from '@ood/core'
import type { Codec } from './codec.ts'
import { jpegXlCodec } from './optional/jpeg-xl-codec.ts'
import { jpeg2000Codec } from './optional/jpeg2000-codec.ts'
import { webpCodec } from './optional/webp-codec.ts'
import { pngCodec } from './png/png-codec.ts'

/** Names of the lossless codecs. */
export type CodecName = 'png' | 'webp' | 'jpeg2000' | 'jpeg-xl'

const openers: Readonly<Record<CodecName, () => Codec | Promise<Codec>>> = {
  png: pngCodec,
  webp: webpCodec,
  jpeg2000: jpeg2000Codec,
  'jpeg-xl': jpegXlCodec,
}

/** All names, the one that needs no package first. */
export const codecNames: readonly CodecName[] = Object.keys(openers) as CodecName[]

/**
 * Opens lossless codecs by name with their default settings.
 *
 * @throws OodError `E_UNKNOWN_NAME`; `E_UNSUPPORTED` naming the package that a codec needs and that is not installed
 * @example
 * const codecs = await openCodecs(['png', 'jpeg-xl'])
 */
export async function openCodecs(names: readonly string[]): Promise<Codec[]> {
  const opened: Codec[] = []
  for (const name of names) {
    if (!Object.hasOwn(openers, name)) throw unknownName('codec', name, codecNames)
    opened.push(await openers[name as CodecName]())
  }
  return opened
}

/**
 * Every lossless codec whose package is installed: PNG always, WebP, JPEG 2000 and JPEG XL where they are. Scores of two
 * machines compare only with equal lists; name the codecs (`openCodecs`) for results that are to be repeated elsewhere.
 *
 * @throws OodError `E_RUNTIME` when a package is there but does not start
 */
export async function installedCodecs(): Promise<Codec[]> {
  const found: Codec[] = []
  for (const name of codecNames) {
    try {
      found.push(...(await openCodecs([name])))
    } catch (error) {
      if (!(error instanceof OodError && error.code === 'E_UNSUPPORTED')) throw error
    }
  }
  return found
}
