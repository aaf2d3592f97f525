// The small PNG encoder: what it writes unpacks to the pixels, with Node's zlib and as a browser stores it.
import { inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodePng, pngAddress, storedZlib } from '../src/internal/png.ts'

it('stores any bytes as a zlib stream that zlib accepts', () => {
  for (const length of [0, 1, 65_534, 65_535, 65_536, 140_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 31) ^ (i >> 7))
    expect(Buffer.compare(inflateSync(storedZlib(bytes)), bytes)).toBe(0)
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      expect([...inflateSync(storedZlib(bytes))]).toEqual([...bytes])
    }),
  )
})

it('gives the address that base64 of the bytes is', () => {
  const png = encodePng(
    Uint8Array.from({ length: 3 * 70 * 70 }, (_, i) => i * 7),
    70,
    70,
    3,
  )
  expect(pngAddress(png)).toBe(`data:image/png;base64,${Buffer.from(png).toString('base64')}`)
})
