// The PNG encoder: read back by two other decoders, against another encoder's sizes, and on images with known answers.
import { readFileSync } from 'node:fs'
import { inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { decode } from 'fast-png'
import { zlibSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { PNG_CONTAINER_BYTES } from '../../src/complexity/png/container.ts'
import { type FilterChoice, filterRows } from '../../src/complexity/png/filters.ts'
import { type ByteImage, pngCodec } from '../../src/index.ts'
import { type Kind, kinds, picture } from './pictures.ts'

const png = pngCodec()
const pillow = JSON.parse(readFileSync(new URL('fixtures/pillow.json', import.meta.url), 'utf8')) as {
  cases: { height: number; width: number; channels: 1 | 3; kind: Kind; png: number; jpeg: number }[]
}

const byteImages = fc
  .record({ width: fc.integer({ min: 1, max: 20 }), height: fc.integer({ min: 1, max: 20 }), colour: fc.boolean() })
  .chain(({ width, height, colour }) => {
    const channels = colour ? (3 as const) : (1 as const)
    const length = width * height * channels
    const noise = fc.uint8Array({ minLength: length, maxLength: length })
    // Smooth rows exercise every filter; noise mostly picks None.
    const smooth = noise.map((bytes) => bytes.map((byte, i) => (10 * i + (byte & 3)) & 255))
    return fc.oneof(noise, smooth).map((data): ByteImage => ({ width, height, channels, data }))
  })

describe('pngCodec', () => {
  it('gives back every pixel when fast-png decodes it', async () => {
    await fc.assert(
      fc.asyncProperty(byteImages, async (image) => {
        const decoded = decode(await png.encode(image))
        expect([decoded.width, decoded.height, decoded.channels, decoded.depth]).toEqual([
          image.width,
          image.height,
          image.channels,
          8,
        ])
        expect(Uint8Array.from(decoded.data)).toEqual(image.data)
      }),
      { numRuns: 150 },
    )
  })

  it.each([0, 1, 2, 3, 4, 'adaptive'] as const)('filter %s is undone by the decoder', (choice: FilterChoice) => {
    for (const channels of [1, 3] as const)
      for (const kind of kinds) {
        const image = picture(9, 13, channels, kind)
        expect(unfilter(filterRows(image, choice), image)).toEqual(image.data)
      }
  })

  it.each(pillow.cases)('is no larger than Pillow for $kind $height x $width x $channels', async (test) => {
    const image = picture(test.height, test.width, test.channels, test.kind)
    expect((await png.encode(image)).length).toBeLessThanOrEqual(test.png)
  })

  it('takes a constant image to almost nothing and noise to its raw size', async () => {
    const size = async (kind: Kind) => png.payload!(await png.encode(picture(28, 28, 1, kind)))
    // One byte 77 and 783 repeats: a dozen bytes of deflate.
    expect(await size('constant')).toBeLessThan(30)
    // 784 bytes without structure need 784 bytes, 28 filter bytes (which compress) and some bytes of zlib.
    expect(await size('hash')).toBeGreaterThanOrEqual(784)
    expect(await size('hash')).toBeLessThan(784 + 28 + 20)
  })

  it('has 57 bytes around the zlib stream', async () => {
    const image = picture(7, 5, 3, 'waves')
    const file = await png.encode(image)
    expect(PNG_CONTAINER_BYTES).toBe(57)
    const stream = file.subarray(41, 41 + png.payload!(file))
    expect(inflateSync(stream).length).toBe(7 * (5 * 3 + 1))
    expect(file.length).toBe(stream.length + 57)
  })

  it('takes another deflate, to the same pixels', async () => {
    const other = pngCodec({ deflate: (bytes) => zlibSync(bytes, { level: 9 }) })
    const image = picture(28, 28, 1, 'waves')
    const file = await other.encode(image)
    expect(Uint8Array.from(decode(file).data)).toEqual(image.data)
    // Two good compressors of the same rows: within a few per cent of each other.
    expect(Math.abs(file.length / (await png.encode(image)).length - 1)).toBeLessThan(0.05)
  })

  it('writes the same bytes every time', async () => {
    const image = picture(28, 28, 3, 'waves')
    expect(await pngCodec().encode(image)).toEqual(await pngCodec().encode(image))
  })
})

/** Undoes the filters straight from the specification's table (section 9.2), for comparison. */
function unfilter(rows: Uint8Array, { width, height, channels }: ByteImage): Uint8Array {
  const stride = width * channels
  const out = new Uint8Array(stride * height)
  const at = (y: number, x: number) => (y < 0 || x < 0 ? 0 : out[y * stride + x]!)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < stride; x++) {
      const [a, b, c] = [at(y, x - channels), at(y - 1, x), at(y - 1, x - channels)]
      const p = a + b - c
      const nearest = [a, b, c].reduce((best, value) => (Math.abs(p - value) < Math.abs(p - best) ? value : best))
      const prediction = [0, a, b, Math.floor((a + b) / 2), nearest][rows[y * (stride + 1)]!]!
      out[y * stride + x] = rows[y * (stride + 1) + 1 + x]! + prediction
    }
  return out
}
