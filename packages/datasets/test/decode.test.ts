// Decoders of bytes: what the readers of files give, gzipped or not, and one line for what is wrong.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { decodeIdx, decodeImages, encodeIdx, readIdx, readImageFolder } from '@ood/datasets'
import { encode as encodePng } from 'fast-png'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ood-decode-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('decodeIdx', () => {
  const data = Uint16Array.from({ length: 60 }, (_, i) => i * 400)
  const array = { data: new Int16Array(data.buffer), shape: [5, 3, 4] }
  const bytes = encodeIdx(array)

  it.each(['plain', 'gzip'])('is readIdx of the same file, %s', async (kind) => {
    const packed = kind === 'gzip' ? gzipSync(bytes) : bytes
    const path = join(folder, kind)
    writeFileSync(path, packed)
    for (const rows of [undefined, [4, 0, 0], []]) {
      const options = rows ? { rows } : {}
      expect(decodeIdx(packed, path, options)).toEqual(await readIdx(path, options))
    }
  })

  it('refuses what is no whole IDX file, before it takes memory', () => {
    const call = (wrong: Uint8Array, options = {}) => {
      try {
        decodeIdx(wrong, 'answer', options)
      } catch (error) {
        return (error as Error).message
      }
      return 'nothing'
    }
    expect(call(bytes.subarray(0, 50))).toMatch(/^answer: expected room for the \[5, 3, 4\] items/)
    expect(call(gzipSync(bytes.subarray(0, 50)))).toMatch(/^answer: expected 120 bytes of numbers/)
    expect(call(gzipSync(bytes).subarray(0, 40))).toMatch(/^answer: expected /)
    expect(call(Uint8Array.of(0, 0, 8, 2, 127, 255, 255, 255, 0, 0, 0, 1))).toMatch(/^answer: expected room for/)
    expect(call(Uint8Array.of(1, 2, 3, 4, 5))).toMatch(/^answer: expected an IDX file/)
    expect(call(new Uint8Array(0))).toMatch(/^answer: expected an IDX header, got 0 bytes/)
    expect(call(bytes, { maxBytes: 100 })).toMatch(/^answer: expected at most 100 bytes/)
    expect(call(bytes, { rows: [5] })).toMatch(/^answer rows: expected rows 0..4, got 5/)
  })
})

describe('decodeImages', () => {
  const png = (width: number, height: number, seed: number) =>
    encodePng({
      width,
      height,
      channels: 3,
      depth: 8,
      data: Uint8Array.from({ length: 3 * width * height }, (_, i) => i * seed),
    })

  it('is readImageFolder of the same files', async () => {
    const images = [7, 31].map((seed) => ({ name: `${seed}.png`, bytes: png(9, 6, seed) }))
    const place = mkdtempSync(join(folder, 'images-'))
    for (const { name, bytes } of images) writeFileSync(join(place, name), bytes)
    for (const options of [{}, { mode: 'greyscale', size: [4, 5], invert: true }] as const) {
      const want = (await readImageFolder(place, { ...options, rows: [1, 0] })).images
      const got = decodeImages(images, options)
      expect(got.shape).toEqual(want.shape)
      expect([...got.data]).toEqual([...want.data])
    }
    expect(decodeImages([], { size: [2, 2] }).shape).toEqual([0, 3, 2, 2])
  })

  it('names the image that is none', () => {
    expect(() => decodeImages([{ name: 'a.png', bytes: Uint8Array.of(1, 2) }])).toThrow(
      /^a\.png: expected a PNG or JPEG/,
    )
    expect(() => decodeImages([{ name: 'a.png', bytes: 'iVBOR' as never }])).toThrow(
      /^decodeImages a\.png: expected a Uint8Array/,
    )
    const two = [png(2, 2, 1), png(3, 2, 1)].map((bytes, i) => ({ name: `${i}.png`, bytes }))
    expect(() => decodeImages(two)).toThrow(/^1\.png: expected 2 x 2 like the first image/)
  })
})
