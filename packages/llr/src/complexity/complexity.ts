// Bits per image: the smallest file that any of some codecs makes of it.
import {
  assertOptions,
  CALL_OPTIONS,
  type CallOptions,
  forEachBatch,
  mismatch,
  type NdArray,
  OodError,
  rowCount,
} from '@ood/core'
import type { Codec } from './codec.ts'
import { assertByteImages, byteImage } from './internal/byte-images.ts'
import { jpegCodec } from './jpeg/jpeg-codec.ts'
import { reasonOf } from './optional/open-peer.ts'
import { pngCodec } from './png/png-codec.ts'

/** What a size counts. */
export type ByteCount = 'file' | 'payload'

/** Options of `complexity`. */
export interface ComplexityOptions extends CallOptions {
  /** Compressors, of which the smallest result counts (default: PNG alone). */
  codecs?: readonly Codec[] | undefined
  /**
   * `file` (default, as in the paper): all bytes of the file. `payload`: without signature, headers and checksums, for
   * codecs that can tell. A codec's container is nearly constant, so one codec's ranking stays; which of several wins can
   * change.
   */
  count?: ByteCount | undefined
  /**
   * `reference`: lossy codecs are allowed, and the default is PNG with JPEG at quality 95, which is what the reference's
   * ensemble amounts to without FLIF. Otherwise only lossless ones are, as a code length needs.
   */
  compat?: 'reference' | undefined
  /** Told of every codec that drops out (default: `console.warn`). */
  onWarning?: ((message: string) => void) | undefined
}

/** Sizes of a batch of images. */
export interface Complexity {
  /** L: 8 times the bytes of the smallest result, one number per image. */
  bits: Float64Array
  /** Which codec made it, an index into `codecs`; the first of equals. */
  winner: Int32Array
  /** Names of the codecs. */
  codecs: string[]
  /** Bytes by every codec, [codecs][images]; Infinity where one failed. */
  bytes: Float64Array[]
}

/**
 * The complexity estimate L(x) = 8 min over codecs of the compressed size, in bits (Serra et al. 2020, equation 3).
 * More codecs give a tighter bound.
 *
 * A codec that fails on an image counts as infinite there and drops out with one warning; an image that every codec fails
 * on is an error. Nothing is random, and an image's size does not depend on its batch. Sizes do depend on the version of
 * an encoder: compare scores within one installation.
 *
 * Processor time per image of 28 x 28: 0.9 ms for PNG, 0.5 to 1 for WebP, 1 to 2 for JPEG 2000, 2 to 4 for JPEG XL. Other
 * tasks of the process run between batches only (`batchSize`, default 16).
 *
 * @param images - [N, 1 or 3, H, W], whole numbers 0..255
 * @throws OodError `E_SHAPE`, `E_ARGUMENT` for pixels that are not bytes (naming the row), for no codecs, equal names, or
 *   a lossy one without `compat: 'reference'`; `E_RUNTIME` when no codec could encode an image; `E_ABORTED`
 * @example
 * const { bits, winner, codecs } = await complexity(images, { codecs: await installedCodecs() })
 * console.log(bits[0], codecs[winner[0]])
 */
export async function complexity(images: NdArray, options: ComplexityOptions = {}): Promise<Complexity> {
  assertOptions('complexity', options, [...CALL_OPTIONS, 'codecs', 'count', 'compat', 'onWarning'])
  const codecs = checkedCodecs(options)
  const count = options.count ?? 'file'
  if (count !== 'file' && count !== 'payload')
    throw mismatch('E_ARGUMENT', 'complexity count', 'file or payload', count)
  assertByteImages('complexity', images)
  const n = rowCount(images)
  const bytes = codecs.map(() => new Float64Array(n).fill(Number.POSITIVE_INFINITY))
  const failures = codecs.map(() => ({ images: 0, first: '' }))
  const result: Complexity = {
    bits: new Float64Array(n),
    winner: new Int32Array(n),
    codecs: codecs.map(({ name }) => name),
    bytes,
  }
  await forEachBatch('complexity', n, 16, options, async (from, to) => {
    for (let row = from; row < to; row++) {
      const image = byteImage(images, row)
      for (const [k, codec] of codecs.entries()) {
        try {
          bytes[k]![row] = await sizeOf(codec, image, count)
        } catch (cause) {
          const failure = failures[k]!
          if (failure.images++ === 0) failure.first = `row ${row}: ${reasonOf(cause)}`
        }
      }
      const winner = smallest(bytes, row)
      if (winner < 0)
        throw new OodError(
          'E_RUNTIME',
          `complexity: expected at least one of ${result.codecs.join(', ')} to encode row ${row}, got none (${failures[0]!.first})`,
        )
      result.winner[row] = winner
      result.bits[row] = 8 * bytes[winner]![row]!
    }
    // Encoders never wait, so without this nothing else, not even Ctrl-C, would get a turn.
    await new Promise((resolve) => setTimeout(resolve))
  })
  const warn = options.onWarning ?? console.warn
  failures.forEach(({ images: failed, first }, k) => {
    if (failed > 0)
      warn(
        `complexity: ${result.codecs[k]} drops out for ${failed} of ${n} images it could not encode (first in ${first})`,
      )
  })
  return result
}

/** The codecs of a call, checked. */
export function checkedCodecs({ codecs, compat }: Pick<ComplexityOptions, 'codecs' | 'compat'>): readonly Codec[] {
  if (compat !== undefined && compat !== 'reference')
    throw mismatch('E_ARGUMENT', 'complexity compat', 'reference or nothing', compat)
  const chosen = codecs ?? (compat ? [pngCodec(), jpegCodec()] : [pngCodec()])
  if (chosen.length === 0) throw mismatch('E_EMPTY', 'complexity codecs', 'at least one codec', 'none')
  const names = chosen.map(({ name }) => name)
  if (new Set(names).size < names.length) throw mismatch('E_ARGUMENT', 'complexity codecs', 'different names', names)
  const lossy = chosen.find(({ lossless }) => !lossless)
  if (lossy && !compat)
    throw mismatch('E_ARGUMENT', 'complexity codecs', "lossless codecs (lossy: compat 'reference')", lossy.name)
  return chosen
}

async function sizeOf(codec: Codec, image: ReturnType<typeof byteImage>, count: ByteCount): Promise<number> {
  const file = await codec.encode(image)
  if (!(file.length > 0)) throw new Error('an empty file')
  return count === 'payload' && codec.payload ? codec.payload(file) : file.length
}

/** Index of the codec with the fewest bytes for an image, or -1 when all failed. */
function smallest(bytes: readonly Float64Array[], row: number): number {
  let best = -1
  for (let k = 0; k < bytes.length; k++)
    if (bytes[k]![row]! < (best < 0 ? Number.POSITIVE_INFINITY : bytes[best]![row]!)) best = k
  return best
}
