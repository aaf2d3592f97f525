// CRC-32: the algorithm's check value, Node's own as oracle, and pieces one after another.
import { crc32 as native } from 'node:zlib'
import { crc32 } from '@ood/core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { plainCrc32 } from '../src/crc32.ts'

it('gives the check value of the algorithm', () => {
  const bytes = new TextEncoder().encode('123456789')
  expect([crc32(bytes), plainCrc32(bytes, 0)]).toEqual([0xcbf43926, 0xcbf43926])
})

it('is the same with and without Node, whole and in pieces', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
      const want = native(bytes)
      const [head, tail] = [bytes.subarray(0, cut), bytes.subarray(cut)]
      expect([crc32(bytes), plainCrc32(bytes, 0)]).toEqual([want, want])
      expect([crc32(tail, crc32(head)), plainCrc32(tail, plainCrc32(head, 0))]).toEqual([want, want])
    }),
  )
})
