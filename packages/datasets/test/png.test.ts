// The PNG decoder: every colour type, depth, interlacing and transparency against pixels known without it, and damage.
import { readFile } from 'node:fs/promises'
import { crc32, deflateSync } from 'node:zlib'
import { OodError } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeImage } from '../src/internal/decode-image.ts'
import { fixture } from './helpers.ts'

interface Case {
  name: string
  width: number
  height: number
  png: string
  rgb: string
}
const suite: Case[] = JSON.parse(await readFile(fixture('png-suite.json'), 'utf8'))
const bytesOf = ({ png }: Case): Uint8Array => Uint8Array.from(Buffer.from(png, 'base64'))

const chunk = (type: string, body: Uint8Array): Buffer => {
  const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(type), body, Buffer.alloc(4)])
  bytes.writeUInt32BE(body.length, 0)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4)
  return bytes
}
const header = (width: number, height: number, ...rest: number[]): Buffer => {
  const body = Buffer.alloc(13)
  body.writeUInt32BE(width, 0)
  body.writeUInt32BE(height, 4)
  body.set(rest, 8)
  return chunk('IHDR', body)
}
const signature = Buffer.from('89504e470d0a1a0a', 'hex')
const end = chunk('IEND', new Uint8Array(0))
const grey = header(2, 2, 8, 0, 0, 0, 0)
const pixels = chunk('IDAT', deflateSync(Uint8Array.of(0, 1, 2, 0, 3, 4)))
const decode = (...chunks: Uint8Array[]): unknown => decodeImage(Buffer.concat([signature, ...chunks]), 'x.png', 'rgb')

describe('png', () => {
  it('has every kind of image', () => {
    expect(suite).toHaveLength(208)
    expect(suite.filter(({ name }) => name.includes('interlaced'))).toHaveLength(104)
    expect(suite.filter(({ name }) => name.includes('1 x 1') && name.includes('tRNS'))).toHaveLength(22)
  })

  it.each(suite)('reads $name', (image) => {
    const size = image.width * image.height
    const rgb = Buffer.from(image.rgb, 'base64')
    const planes = decodeImage(bytesOf(image), image.name, 'rgb')
    expect([planes.channels, planes.height, planes.width]).toEqual([3, image.height, image.width])
    const expected = Uint8Array.from({ length: 3 * size }, (_, i) => rgb[3 * (i % size) + Math.floor(i / size)]!)
    expect(planes.data).toEqual(expected)
    const luma = Uint8Array.from({ length: size }, (_, i) =>
      Math.floor((19595 * rgb[3 * i]! + 38470 * rgb[3 * i + 1]! + 7471 * rgb[3 * i + 2]! + 32768) / 65536),
    )
    expect(decodeImage(bytesOf(image), image.name, 'greyscale').data).toEqual(luma)
  })

  it('reads an image above the size that is unpacked in one go, cut into many chunks', () => {
    // 2100 x 2100 of RGBA in 16 bits: 35 MB unpacked.
    const side = 2100
    const rowBytes = side * 8
    const raw = Buffer.alloc(side * (rowBytes + 1))
    for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) raw[y * (rowBytes + 1) + 1 + 8 * x] = (x * y) & 255
    const packed = deflateSync(raw)
    const parts = Array.from({ length: 7 }, (_, i) =>
      chunk('IDAT', packed.subarray(Math.ceil((i * packed.length) / 7), Math.ceil(((i + 1) * packed.length) / 7))),
    )
    const big = header(side, side, 16, 6, 0, 0, 0)
    const { data } = decode(big, ...parts, end) as { data: Uint8Array }
    for (const [x, y] of [
      [0, 0],
      [17, 1],
      [2099, 2099],
      [3, 1777],
    ] as const)
      expect(data[y * side + x]).toBe((x * y) & 255)
    expect(data[side * side + 17]).toBe(0)
    expect(() => decode(big, ...parts.slice(0, 6), end)).toThrow(/x\.png: expected a whole PNG/)
    const more = chunk('IDAT', deflateSync(Buffer.concat([raw, raw])))
    expect(() => decode(big, more, end)).toThrow(/expected a whole PNG of 35282100 unpacked bytes, got more/)
  })

  const wrong: [string, Uint8Array[], RegExp][] = [
    ['no end', [grey, pixels], /an end after \d+ bytes/],
    ['no pixels', [grey, end], /expected a whole PNG, got one without pixels/],
    ['two headers', [grey, grey, pixels, end], /one PNG header, first of all, got IHDR/],
    ['no header', [pixels, end], /one PNG header, first of all, got IDAT/],
    ['a chunk that must be understood', [grey, chunk('ABCD', new Uint8Array(3)), pixels, end], /a chunk ABCD/],
    ['a colour type there is not', [header(2, 2, 8, 5, 0, 0, 0), pixels, end], /colour type, got type 5 of 8 bits/],
    ['a depth its type does not have', [header(2, 2, 4, 2, 0, 0, 0), pixels, end], /type 2 of 4 bits/],
    ['an unknown method', [header(2, 2, 8, 0, 0, 0, 2), pixels, end], /methods 0, 0 and 0 or 1, got 0, 0, 2/],
    ['an unknown row filter', [grey, chunk('IDAT', deflateSync(Uint8Array.of(0, 1, 2, 5, 3, 4))), end], /got 5/],
    ['no width', [header(0, 2, 8, 0, 0, 0, 0), pixels, end], /at most 67108864 pixels, got 0 x 2/],
    ['no palette', [header(2, 2, 8, 3, 0, 0, 0), pixels, end], /a palette of 1 to 256 colours, got 0 bytes/],
    [
      'a colour beyond the palette',
      [header(2, 2, 8, 3, 0, 0, 0), chunk('PLTE', new Uint8Array(12)), pixels, end],
      /palette colours below 4, got colour 4/,
    ],
    ['too few rows', [grey, chunk('IDAT', deflateSync(new Uint8Array(5))), end], /of 6 unpacked bytes, got 5/],
    ['too many rows', [grey, chunk('IDAT', deflateSync(new Uint8Array(7))), end], /larger than 6 bytes/],
    ['no zlib', [grey, chunk('IDAT', Uint8Array.of(1, 2, 3)), end], /whole PNG, got broken zlib data/],
    [
      'a file sent as text',
      [Buffer.concat([grey, pixels, end]).map((byte) => (byte === 0x0d ? 0x0a : byte))],
      /expected/,
    ],
  ]
  it.each(wrong)('refuses %s', (_what, chunks, message) => {
    expect(() => decode(...chunks)).toThrow(message)
    expect(() => decode(...chunks)).toThrow(/^x\.png: expected /)
  })

  it('passes over profiles and texts, whatever they unpack to', () => {
    const bomb = Buffer.concat([Buffer.from('icc\0\0'), deflateSync(new Uint8Array(50_000_000))])
    const before = process.memoryUsage.rss()
    const { data } = decode(grey, chunk('iCCP', bomb), chunk('zTXt', bomb), pixels, end) as { data: Uint8Array }
    expect([...data.subarray(0, 4)]).toEqual([1, 2, 3, 4])
    expect(process.memoryUsage.rss() - before).toBeLessThan(40e6)
  })

  it('never takes a damaged file for a whole one', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...suite),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (image, at, x, cut) => {
          const bytes = bytesOf(image)
          const place = at % bytes.length
          const damaged = cut ? bytes.subarray(0, place) : bytes.map((byte, i) => (i === place ? byte ^ x : byte))
          // Every byte is under a checksum, or is one, or the signature.
          const error = (() => {
            try {
              return decodeImage(damaged, 'x.png', 'rgb')
            } catch (cause) {
              return cause
            }
          })()
          expect(error).toBeInstanceOf(OodError)
          expect((error as OodError).code).toBe('E_FILE')
        },
      ),
      { numRuns: 500 },
    )
  })
})
