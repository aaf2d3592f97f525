// PNG bytes of small 8-bit pictures, and their data addresses.
import { crc32, nodeModule } from '@ood/core'

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/**
 * Encodes 8-bit grey (1 channel) or RGB (3 channels) pixels, rows from the top, as a PNG (RFC 2083; filter 0: image
 * grids are small and mostly flat). Compressed in Node, stored as they are in a browser.
 */
export function encodePng(pixels: Uint8Array, width: number, height: number, channels: 1 | 3): Uint8Array {
  const stride = width * channels
  const raw = new Uint8Array(height * (stride + 1))
  for (let y = 0; y < height; y++) raw.set(pixels.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1)
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header[8] = 8 // bits a channel
  header[9] = channels === 1 ? 0 : 2 // colour type
  const zlib = nodeModule<typeof import('node:zlib')>('node:zlib')
  const packed = zlib ? zlib.deflateSync(raw, { level: 9 }) : storedZlib(raw)
  return joined([
    Uint8Array.from(SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', packed),
    chunk('IEND', new Uint8Array()),
  ])
}

/** `data:image/png;base64,...` of a PNG. */
export function pngAddress(png: Uint8Array): string {
  let text = ''
  // In pieces: a call takes only so many arguments.
  for (let at = 0; at < png.length; at += 8192) text += String.fromCharCode(...png.subarray(at, at + 8192))
  return `data:image/png;base64,${btoa(text)}`
}

/** Bytes as a zlib stream (RFC 1950) of stored blocks (RFC 1951, 3.2.4), at most 65,535 bytes each. */
export function storedZlib(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x78, 0x01)]
  for (let at = 0; at === 0 || at < bytes.length; at += 65_535) {
    const block = bytes.subarray(at, at + 65_535)
    const [low, high] = [block.length & 255, block.length >> 8]
    parts.push(Uint8Array.of(Number(at + 65_535 >= bytes.length), low, high, low ^ 255, high ^ 255), block)
  }
  let [a, b] = [1, 0]
  for (let i = 0; i < bytes.length; i++) {
    a = (a + bytes[i]!) % 65_521
    b = (b + a) % 65_521
  }
  parts.push(Uint8Array.of(b >> 8, b, a >> 8, a))
  return joined(parts)
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.length)
  const view = new DataView(out.buffer)
  view.setUint32(0, data.length)
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i)
  out.set(data, 8)
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)))
  return out
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
