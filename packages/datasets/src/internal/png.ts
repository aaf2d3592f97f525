// PNG files (ISO/IEC 15948): signature, chunks with their CRC-32, header, palette, and the zlib stream of the pixels.
// A decoder of our own, because what is wanted is narrow - every colour type, depth and interlacing to 8 bits without
// alpha, in memory of the result - and no maintained one does all of it.
import { crc32, nodeModule } from '@ood/core'
import { fileError, fileReason } from '@ood/core/node'
import { Unzlib } from 'fflate'
import type { Planes } from './planes.ts'
import { type PngHeader, Scanlines, scanlineBytes } from './png-scanlines.ts'

/** Largest image: 2^26 pixels, 8192 x 8192. */
export const MAX_PIXELS: number = 2 ** 26

/** Colour types with the depths each may have. */
const COLOUR_TYPES: Readonly<Record<number, Pick<PngHeader, 'kind' | 'samples'> & { depths: readonly number[] }>> = {
  0: { kind: 'grey', samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { kind: 'rgb', samples: 3, depths: [8, 16] },
  3: { kind: 'palette', samples: 1, depths: [1, 2, 4, 8] },
  4: { kind: 'grey', samples: 2, depths: [8, 16] },
  6: { kind: 'rgb', samples: 4, depths: [8, 16] },
}

/** Up to so many unpacked bytes native zlib unpacks into one buffer; beyond, a slower one works piece by piece. */
const WHOLE = 2 ** 24

/** Bytes of packed data handed to the piecewise unpacker: deflate makes at most 1032 times as many of them. */
const PIECE = 2 ** 13

/** Whether the bytes begin like a PNG. */
export function isPng(bytes: Uint8Array): boolean {
  return [0x89, 0x50, 0x4e, 0x47].every((byte, i) => bytes[i] === byte)
}

/**
 * Decodes a PNG to 8-bit planes: 16 bits lose their low byte, fewer are stretched to 0..255, alpha and transparency
 * are dropped. Every chunk's CRC is compared; colour profiles, texts and other chunks are not unpacked.
 *
 * Memory: the planes, and the unpacked pixels where they are small. Time: of the file and its pixels.
 *
 * @throws OodError `E_FILE` naming the file and what is wrong with it
 */
export function decodePng(bytes: Uint8Array, name: string, mode: 'greyscale' | 'rgb'): Planes {
  const { header, palette, data } = readChunks(bytes, name)
  const size = scanlineBytes(header)
  const lines = new Scanlines(header, palette, mode, name)
  const zlib = nodeModule<typeof import('node:zlib')>('node:zlib')
  const unpacked =
    zlib && size <= WHOLE ? unpackWhole(zlib, data, size, name, lines) : unpackPieces(data, size, name, lines)
  if (unpacked !== size) throw fileError(name, `a whole PNG of ${size} unpacked bytes`, unpacked)
  return lines.planes
}

function unpackWhole(
  zlib: typeof import('node:zlib'),
  data: readonly Uint8Array[],
  size: number,
  name: string,
  lines: Scanlines,
): number {
  const raw = guarded(name, () =>
    zlib.inflateSync(Buffer.concat(data), { maxOutputLength: size, chunkSize: Math.max(64, size + 1) }),
  )
  if (raw.length === size) lines.push(raw)
  return raw.length
}

function unpackPieces(data: readonly Uint8Array[], size: number, name: string, lines: Scanlines): number {
  let unpacked = 0
  const stream = new Unzlib((piece) => {
    unpacked += piece.length
    if (unpacked > size) throw fileError(name, `a whole PNG of ${size} unpacked bytes`, 'more')
    lines.push(piece)
  })
  return guarded(name, () => {
    for (const part of data) {
      for (let at = 0; at < part.length; at += PIECE) stream.push(part.subarray(at, at + PIECE), false)
    }
    return unpacked
  })
}

interface Chunks {
  header: PngHeader
  palette: Uint8Array
  /** The pieces of the zlib stream, still packed. */
  data: Uint8Array[]
}

/** Walks the chunks once. */
function readChunks(bytes: Uint8Array, name: string): Chunks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 33) throw fileError(name, 'a PNG header', `${bytes.length} bytes`)
  if (view.getUint32(4) !== 0x0d0a1a0a) throw fileError(name, 'a PNG signature', 'a PNG altered as text')
  let header: PngHeader | undefined
  let palette: Uint8Array = new Uint8Array(0)
  const data: Uint8Array[] = []
  let ended = false
  for (let at = 8; !ended; ) {
    if (at + 12 > bytes.length) throw fileError(name, 'a whole PNG', `an end after ${bytes.length} bytes`)
    const length = view.getUint32(at)
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    if (at + 12 + length > bytes.length)
      throw fileError(name, 'a whole PNG', `a chunk ${type} of ${length} bytes that breaks off`)
    const body = bytes.subarray(at + 8, at + 8 + length)
    // Before its checksum: that a size is out of bounds says more.
    const parsed = type === 'IHDR' ? parseHeader(body, name) : undefined
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length))
      throw fileError(name, 'a whole PNG', `a chunk ${type} with another checksum than its own`)
    if ((type === 'IHDR') !== (header === undefined)) throw fileError(name, 'one PNG header, first of all', type)
    if (parsed) header = parsed
    else if (type === 'PLTE') palette = body
    else if (type === 'IDAT') data.push(body)
    else if (type === 'IEND') ended = true
    // A capital first letter marks what cannot be passed over.
    else if (/^[A-Z]/.test(type)) throw fileError(name, 'a PNG of standard chunks', `a chunk ${type}`)
    at += 12 + length
  }
  if (data.length === 0) throw fileError(name, 'a whole PNG', 'one without pixels')
  if (header!.kind === 'palette' && (palette.length === 0 || palette.length % 3 !== 0 || palette.length > 768))
    throw fileError(name, 'a palette of 1 to 256 colours', `${palette.length} bytes`)
  return { header: header!, palette, data }
}

function parseHeader(body: Uint8Array, name: string): PngHeader {
  if (body.length !== 13) throw fileError(name, 'a PNG header of 13 bytes', body.length)
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const [width, height] = [view.getUint32(0), view.getUint32(4)]
  if (width === 0 || height === 0 || width * height > MAX_PIXELS)
    throw fileError(name, `at most ${MAX_PIXELS} pixels`, `${width} x ${height}`)
  const [depth, colour, compression, filter, interlace] = body.subarray(8)
  const type = COLOUR_TYPES[colour!]
  if (!type?.depths.includes(depth!)) throw fileError(name, 'a PNG colour type', `type ${colour} of ${depth} bits`)
  if (compression !== 0 || filter !== 0 || interlace! > 1)
    throw fileError(name, 'a PNG of methods 0, 0 and 0 or 1', `${compression}, ${filter}, ${interlace}`)
  return { width, height, depth: depth!, samples: type.samples, kind: type.kind, interlaced: interlace === 1 }
}

function guarded<T>(name: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof Error && error.name === 'OodError') throw error
    throw fileError(name, 'a whole PNG', fileReason(error).replace('gzip', 'zlib'))
  }
}
