// Baseline JPEG, lossy: what the reference's "JPEG2000" branch really writes, for comparing with its figures only.
import { assertOptions, mismatch } from '@ood/core'
import type { ByteImage, Codec } from '../codec.ts'
import { planesOf, quantisedBlock } from './blocks.ts'
import { scanWriter } from './entropy.ts'
import { huffman, quantisation, type TableSet, zigzag } from './tables.ts'

/** Options of `jpegCodec`. */
export interface JpegCodecOptions {
  /** 1..100 on the scale of the Independent JPEG Group (default 95, as the reference). */
  quality?: number | undefined
}

/**
 * Baseline JPEG as OpenCV and libjpeg write it: one component for grey images, 4:2:0 for RGB, the standard's tables. It
 * is **lossy**, so its size bounds no complexity; the reference's compressor named "JPEG2000" writes exactly this,
 * and `compat: 'reference'` takes it in. For true JPEG 2000 see `jpeg2000Codec`.
 *
 * 328 bytes of a grey file are headers (623 of a colour file), so it wins against PNG on larger images only. Sizes equal
 * those of OpenCV on the four stored images, and Pillow's within 1 % on twenty others.
 *
 * @throws OodError `E_ARGUMENT` for a quality outside 1..100
 * @example
 * complexity(images, { codecs: [pngCodec(), jpegCodec()], compat: 'reference' })
 */
export function jpegCodec(options: JpegCodecOptions = {}): Codec {
  assertOptions('jpegCodec', options, ['quality'])
  const { quality = 95 } = options
  if (!(Number.isInteger(quality) && quality >= 1 && quality <= 100))
    throw mismatch('E_ARGUMENT', 'jpegCodec quality', 'a whole number 1..100', quality)
  const steps = { luminance: quantisation('luminance', quality), chrominance: quantisation('chrominance', quality) }
  return {
    name: 'jpeg',
    lossless: false,
    encode: (image) => Uint8Array.from([...header(image, steps), ...scan(image, steps), 0xff, 0xd9]),
    payload: (file) => file.length - scanStart(file) - 2,
  }
}

type Steps = Record<TableSet, Uint8Array>

/** The scan of all blocks: row by row for grey; for RGB four luminance blocks and one of each chrominance at a time. */
function scan(image: ByteImage, steps: Steps): Uint8Array {
  const planes = planesOf(image)
  const writer = scanWriter()
  const unit = image.channels === 1 ? 8 : 16
  for (let row = 0; row < Math.ceil(image.height / unit); row++)
    for (let column = 0; column < Math.ceil(image.width / unit); column++)
      planes.forEach((plane, component) => {
        const set = component === 0 ? 'luminance' : 'chrominance'
        const each = component === 0 && unit === 16 ? 2 : 1
        for (let y = 0; y < each; y++)
          for (let x = 0; x < each; x++)
            writer.block(quantisedBlock(plane, each * column + x, each * row + y, steps[set]), set, component)
      })
  return writer.finish()
}

/** Everything before the scan: JFIF marker, quantisation, frame, Huffman tables, scan header. */
function header({ width, height, channels }: ByteImage, steps: Steps): number[] {
  const colour = channels === 3
  const sets: readonly TableSet[] = colour ? ['luminance', 'chrominance'] : ['luminance']
  const segment = (marker: number, content: readonly number[]) => {
    const length = content.length + 2
    return [0xff, marker, length >> 8, length & 255, ...content]
  }
  // Id, sampling factors, table for every component.
  const components = colour
    ? [
        [1, 0x22, 0],
        [2, 0x11, 1],
        [3, 0x11, 1],
      ]
    : [[1, 0x11, 0]]
  return [
    0xff,
    0xd8,
    ...segment(0xe0, [0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]), // "JFIF", version 1.1, aspect 1:1
    ...sets.flatMap((set, i) => segment(0xdb, [i, ...Array.from(zigzag, (at) => steps[set][at]!)])),
    ...segment(0xc0, [8, height >> 8, height & 255, width >> 8, width & 255, components.length, ...components.flat()]),
    ...sets.flatMap((set, i) => [
      ...segment(0xc4, [i, ...huffman[set].dc]),
      ...segment(0xc4, [0x10 + i, ...huffman[set].ac]),
    ]),
    ...segment(0xda, [components.length, ...components.flatMap(([id, , table]) => [id!, 0x11 * table!]), 0, 63, 0]),
  ]
}

/** Where the scan of a file begins: after the segment of marker 0xda. */
function scanStart(file: Uint8Array): number {
  let at = 2
  for (;;) {
    const end = at + 2 + ((file[at + 2]! << 8) | file[at + 3]!)
    if (file[at + 1] === 0xda || end >= file.length) return end
    at = end
  }
}
