// What a JPEG claims is compared with its length before it is decoded: sizes, depth, and the number of scans.
import { fileError } from '@ood/core/node'
import { MAX_PIXELS } from './png.ts'

/** What the decoder may take by its own count, which is about half of what its blocks take in fact. */
export const MAX_JPEG_MEGABYTES = 512

/** A progressive image has about ten scans; each is a pass over all blocks, whatever its length. */
const MAX_SCANS = 500

/** Pixels a byte can stand for: every block of 8 x 8 is coded in at least one bit. */
const PIXELS_PER_BYTE = 512

/**
 * Refuses a JPEG whose header claims what its bytes cannot hold, or what the decoder would get wrong (12-bit samples).
 *
 * @throws OodError `E_FILE` naming the file
 */
export function checkJpeg(bytes: Uint8Array, name: string): void {
  const frame = frameHeader(bytes)
  // Without a frame where it should be, the decoder has the last word; it has bounds of its own.
  if (frame) {
    const { precision, width, height } = frame
    if (precision !== 8) throw fileError(name, 'a JPEG of 8-bit samples', `${precision} bits`)
    const pixels = width * height
    if (pixels === 0 || pixels > MAX_PIXELS)
      throw fileError(name, `a JPEG of 1 to ${MAX_PIXELS} pixels`, `${width} x ${height}`)
    if (pixels > bytes.length * PIXELS_PER_BYTE)
      throw fileError(name, 'a whole JPEG', `${bytes.length} bytes for ${width} x ${height} pixels`)
  }
  let scans = 0
  for (let at = bytes.indexOf(0xff); at >= 0; at = bytes.indexOf(0xff, at + 1)) if (bytes[at + 1] === 0xda) scans++
  if (scans > MAX_SCANS) throw fileError(name, `a JPEG of at most ${MAX_SCANS} scans`, scans)
}

interface Frame {
  precision: number
  height: number
  width: number
}

/** The start of frame, found by walking the segments before the first scan. */
function frameHeader(bytes: Uint8Array): Frame | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 2; at + 9 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1]!
    if (marker === 0xff) {
      at++
      continue
    }
    // C0 to CF are frames, but for the tables C4 and CC and the reserved C8.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc)
      return { precision: bytes[at + 4]!, height: view.getUint16(at + 5), width: view.getUint16(at + 7) }
    if (marker === 0xda) return undefined
    at += 2 + view.getUint16(at + 2)
  }
  return undefined
}
