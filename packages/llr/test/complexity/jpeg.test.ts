// The JPEG encoder of compat 'reference': golden sizes, another encoder's sizes, and pixels read back by a decoder.
import { readFileSync } from 'node:fs'
import jpegJs from 'jpeg-js'
import { describe, expect, it } from 'vitest'
import { jpegCodec } from '../../src/index.ts'
import { type Kind, picture } from './pictures.ts'

const jpeg = jpegCodec()
const pillow = JSON.parse(readFileSync(new URL('fixtures/pillow.json', import.meta.url), 'utf8')) as {
  cases: { height: number; width: number; channels: 1 | 3; kind: Kind; jpeg: number }[]
}

describe('jpegCodec', () => {
  it.each(pillow.cases)('is as large as libjpeg for $kind $height x $width x $channels', async (test) => {
    const file = await jpeg.encode(picture(test.height, test.width, test.channels, test.kind))
    // libjpeg's integer transform rounds a coefficient now and then the other way: at most a byte in a hundred.
    expect(Math.abs(file.length - test.jpeg)).toBeLessThanOrEqual(0.01 * test.jpeg)
  })

  it.each([1, 3] as const)('decodes to nearly the same picture (%i channels)', async (channels) => {
    // Smooth enough for halved chrominance; 18 x 30 has partial blocks on both sides.
    const image = picture(18, 30, channels, 'waves')
    const { data, width, height } = jpegJs.decode(await jpeg.encode(image), { useTArray: true })
    expect([width, height]).toEqual([30, 18])
    let worst = 0
    for (let i = 0; i < width * height; i++)
      for (let c = 0; c < 3; c++) {
        const expected = image.data[i * channels + (channels === 3 ? c : 0)]!
        worst = Math.max(worst, Math.abs(data[4 * i + c]! - expected))
      }
    // Quality 95 has steps of 1 to 12 for luminance; halving chrominance of these waves costs a few levels more.
    expect(worst).toBeLessThanOrEqual(channels === 1 ? 6 : 24)
  })

  it('is larger at higher quality', async () => {
    const image = picture(28, 28, 1, 'waves')
    const sizes = await Promise.all(
      [10, 50, 95, 100].map(async (quality) => (await jpegCodec({ quality }).encode(image)).length),
    )
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b))
    expect(new Set(sizes).size).toBe(4)
  })

  it('counts what follows the headers as payload', async () => {
    const file = await jpeg.encode(picture(28, 28, 1, 'constant'))
    // 328 bytes of headers and 2 of the end marker; 16 blocks of one bit pattern.
    expect(jpeg.payload!(file)).toBe(file.length - 330)
    const colour = await jpeg.encode(picture(32, 32, 3, 'constant'))
    expect(jpeg.payload!(colour)).toBe(colour.length - 625)
  })

  it('is lossy and says so, and refuses other qualities', () => {
    expect(jpeg.lossless).toBe(false)
    expect(() => jpegCodec({ quality: 0 })).toThrow('jpegCodec quality: expected a whole number 1..100, got 0')
  })
})
