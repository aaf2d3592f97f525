// PNG files around a compressed stream: signature, chunks and their checksums.
import { crc32 } from '@ood/core'
import type { ByteImage } from '../codec.ts'

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/** Bytes of a file with one IDAT chunk that are not its content: signature 8, IHDR 25, IDAT 12, IEND 12. */
export const PNG_CONTAINER_BYTES = 57

/** A PNG of `image` whose filtered rows are compressed to `stream` (zlib format). */
export function pngFile({ width, height, channels }: ByteImage, stream: Uint8Array): Uint8Array {
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header[8] = 8 // bits a channel
  header[9] = channels === 1 ? 0 : 2 // colour type; compression, filter and interlace methods are 0
  const file = new Uint8Array(PNG_CONTAINER_BYTES + stream.length)
  file.set(signature)
  let at = signature.length
  for (const [type, content] of [
    ['IHDR', header],
    ['IDAT', stream],
    ['IEND', new Uint8Array()],
  ] as const)
    at = writeChunk(file, at, type, content)
  return file
}

/** Length, type, content and checksum of type and content; returns where the next chunk begins. */
function writeChunk(file: Uint8Array, at: number, type: string, content: Uint8Array): number {
  const view = new DataView(file.buffer)
  view.setUint32(at, content.length)
  for (let i = 0; i < 4; i++) file[at + 4 + i] = type.charCodeAt(i)
  file.set(content, at + 8)
  const end = at + 8 + content.length
  view.setUint32(end, crc32(file.subarray(at + 4, end)))
  return end + 4
}
