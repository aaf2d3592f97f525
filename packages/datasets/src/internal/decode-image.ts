// PNG (fast-png) and JPEG (jpeg-js) bytes to 8-bit grey or colour planes, with sizes checked before decoding.
import { inflateSync } from 'node:zlib'
import { fileError } from '@ood/core/node'
import { convertIndexedToRgb, type DecodedPng, decode as decodePng } from 'fast-png'
import jpeg from 'jpeg-js'
import { luma } from '../images/greyscale.ts'

/** One image as planes: data[c * height * width + y * width + x]. */
export interface Planes {
  channels: 1 | 3
  height: number
  width: number
  data: Uint8Array
}

/** Largest image: 2^26 pixels, 8192 x 8192. */
const MAX_PIXELS = 2 ** 26

/** Samples a pixel by PNG colour type: grey, -, RGB, palette, grey + alpha, -, RGBA. */
const PNG_SAMPLES = [1, 0, 3, 1, 2, 0, 4]

/** Decodes a PNG or JPEG (told by its first bytes); alpha is dropped, 16 bits become 8, as the references do. */
export function decodeImage(bytes: Uint8Array, name: string, mode: 'greyscale' | 'rgb'): Planes {
  if (isPng(bytes)) {
    checkPng(bytes, name)
    return toPlanes(
      guarded(name, 'a whole PNG', () => pngPixels(decodePng(bytes, { checkCrc: true }))),
      mode,
    )
  }
  if (bytes[0] === 0xff && bytes[1] === 0xd8) {
    return toPlanes(
      guarded(name, 'a whole JPEG', () => {
        const options = { useTArray: true, formatAsRGBA: false, tolerantDecoding: false } as const
        const image = jpeg.decode(bytes, { ...options, maxResolutionInMP: MAX_PIXELS / 1e6, maxMemoryUsageInMB: 1024 })
        return { ...image, channels: 3 }
      }),
      mode,
    )
  }
  throw fileError(name, 'a PNG or JPEG image', `${bytes.length} bytes of something else`)
}

interface Interleaved {
  width: number
  height: number
  channels: number
  data: ArrayLike<number>
}

function isPng(bytes: Uint8Array): boolean {
  return [0x89, 0x50, 0x4e, 0x47].every((byte, i) => bytes[i] === byte)
}

/** Refuses sizes out of bounds and compressed data that do not unpack to what the header says. */
function checkPng(bytes: Uint8Array, name: string): void {
  if (bytes.length < 33) throw fileError(name, 'a PNG header', `${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const width = view.getUint32(16)
  const height = view.getUint32(20)
  if (width === 0 || height === 0 || width * height > MAX_PIXELS) {
    throw fileError(name, `at most ${MAX_PIXELS} pixels`, `${width} x ${height}`)
  }
  const parts: Uint8Array[] = []
  for (let at = 8; at + 8 <= bytes.length; at += 12 + view.getUint32(at)) {
    const isData = view.getUint32(at + 4) === 0x49444154
    if (isData) parts.push(bytes.subarray(at + 8, at + 8 + view.getUint32(at)))
  }
  // A filter byte and the packed samples of each row; the seven passes of an interlaced image have more, shorter rows.
  const rowBytes = 1 + Math.ceil((width * bytes[24]! * (PNG_SAMPLES[bytes[25]!] ?? 0)) / 8)
  const interlaced = bytes[28] !== 0
  const size = rowBytes * height
  const bound = { maxOutputLength: interlaced ? 2 * size + 64 : size }
  const unpacked = guarded(name, 'a whole PNG', () => inflateSync(Buffer.concat(parts), bound)).length
  if (!interlaced && unpacked !== size) throw fileError(name, `a whole PNG of ${size} unpacked bytes`, unpacked)
}

/** PNG pixels as 8-bit numbers, channels interleaved. */
function pngPixels(png: DecodedPng): Interleaved {
  const { width, height, depth } = png
  if (png.palette) return { width, height, channels: png.palette[0]!.length, data: convertIndexedToRgb(png) }
  if (depth === 16) return { width, height, channels: png.channels, data: Uint8Array.from(png.data, (v) => v >> 8) }
  if (depth === 8) return { width, height, channels: png.channels, data: png.data }
  // 1, 2 and 4 bit greys are packed, each row starting at a byte.
  const rowBytes = Math.ceil((width * depth) / 8)
  const top = 2 ** depth - 1
  const data = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth
      const packed = png.data[y * rowBytes + (bit >> 3)]!
      data[y * width + x] = (((packed >> (8 - depth - (bit & 7))) & top) * 255) / top
    }
  }
  return { width, height, channels: 1, data }
}

function toPlanes({ width, height, channels, data }: Interleaved, mode: 'greyscale' | 'rgb'): Planes {
  const size = width * height
  const coloured = channels >= 3
  const out = new Uint8Array(mode === 'rgb' ? 3 * size : size)
  for (let i = 0; i < size; i++) {
    const r = data[i * channels]!
    const g = coloured ? data[i * channels + 1]! : r
    const b = coloured ? data[i * channels + 2]! : r
    if (mode === 'rgb') {
      out[i] = r
      out[size + i] = g
      out[2 * size + i] = b
    } else {
      out[i] = coloured ? luma(r, g, b) : r
    }
  }
  return { channels: mode === 'rgb' ? 3 : 1, height, width, data: out }
}

function guarded<T>(name: string, expected: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw fileError(name, expected, error)
  }
}
