// IDX reader and writer: golden files, row selection, round trips, and everything that can be wrong with a file.
import { createHash } from 'node:crypto'
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sharedPath } from '../../../tools/shared.ts'
import { encodeIdx, type RawArray, readIdx, readIdxShape, toBatch, writeIdx } from '../src/index.ts'
import { expectArray, expectError, fixture, golden, temporaryFolder } from './helpers.ts'

const u1 = fixture('idx', 'u1.idx')
/** An IDX header for the given sizes, and nothing after it. */
const header = (code: number, ...sizes: number[]): Uint8Array => {
  const bytes = new Uint8Array(4 + 4 * sizes.length)
  bytes.set([0, 0, code, sizes.length])
  sizes.forEach((n, i) => {
    new DataView(bytes.buffer).setUint32(4 + 4 * i, n)
  })
  return bytes
}

describe('readIdx', () => {
  for (const [name, expected] of Object.entries(golden.idx)) {
    it(`reads ${name}`, async () => {
      expectArray(await readIdx(fixture('idx', name)), expected)
      expect(await readIdxShape(fixture('idx', name))).toEqual(expected.shape)
    })
  }

  it('keeps the rows asked for, in that order, with repeats', async () => {
    const all = golden.idx['u1.idx']!.data
    for (const file of ['u1.idx', 'u1.idx.gz']) {
      const { data, shape } = await readIdx(fixture('idx', file), { rows: [4, 0, 4, 2] })
      expect(shape).toEqual([4, 2, 3])
      expect([...data]).toEqual([4, 0, 4, 2].flatMap((row) => all.slice(6 * row, 6 * row + 6)))
    }
    expect((await readIdx(u1, { rows: [] })).shape).toEqual([0, 2, 3])
    await expectError(readIdx(u1, { rows: [5] }), 'E_ARGUMENT', /u1\.idx rows: expected rows 0\.\.4, got 5/)
  })

  it('keeps any rows of a file larger than one chunk', async () => {
    const folder = await temporaryFolder()
    const data = Uint8Array.from({ length: 3000 * 100 }, (_, i) => (i * 7919) >> 5)
    for (const name of ['big.idx', 'big.idx.gz']) {
      const path = join(folder, name)
      await writeIdx(path, { data, shape: [3000, 100] })
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 2999 }), { maxLength: 20 }), async (rows) => {
          const got = await readIdx(path, { rows })
          expect([...got.data]).toEqual(rows.flatMap((row) => [...data.subarray(100 * row, 100 * row + 100)]))
        }),
        { numRuns: 20 },
      )
    }
  })

  it('checks the digest of the unzipped contents', async () => {
    const sha256 = createHash('sha256')
      .update(await readFile(u1))
      .digest('hex')
    expect((await readIdx(fixture('idx', 'u1.idx.gz'), { sha256 })).shape).toEqual([5, 2, 3])
    await expectError(readIdx(u1, { sha256: 'f00' }), 'E_CHECKSUM', /u1\.idx: expected contents with SHA-256 f00, got/)
  })

  it('writes what it reads, for every element type', async () => {
    const folder = await temporaryFolder()
    const values = [0, 1, -1, 127, 1e9, Number.NaN, 0.1]
    for (const make of [Uint8Array, Int8Array, Int16Array, Int32Array, Float32Array, Float64Array]) {
      const array: RawArray = { data: make.from(values), shape: [7] }
      await writeIdx(join(folder, 'x.gz'), array)
      expect(await readIdx(join(folder, 'x.gz'))).toEqual(array)
    }
    expect(() => encodeIdx({ data: Uint16Array.of(1), shape: [1] })).toThrow(/encodeIdx: expected uint8/)
    expect(() => encodeIdx({ data: Uint8Array.of(1), shape: [2] })).toThrow(/encodeIdx: expected 1 numbers/)
    expect(await readdir(folder)).toEqual(['x.gz'])
  })

  it('becomes a float batch', async () => {
    const x = toBatch(await readIdx(u1))
    expect(x.data).toBeInstanceOf(Float32Array)
    expect(x.get(1, 0, 2)).toBe(golden.idx['u1.idx']!.data[8])
  })

  it('stops when the signal fires', async () => {
    await expectError(readIdx(u1, { signal: AbortSignal.abort() }), 'E_ABORTED', /stopped by the caller/)
  })
})

describe('broken IDX files', () => {
  const broken: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(0), /expected an IDX header, got a file of 0 bytes/],
    ['three bytes', Uint8Array.of(0, 0, 8), /expected an IDX header, got a file of 3 bytes/],
    ['a header that stops', header(8, 1, 2).subarray(0, 9), /expected an IDX header/],
    ['another magic', new TextEncoder().encode('<!doctype html>'), /expected an IDX file .*, got 3c 21 64 6f/],
    ['an unknown element type', header(0x0a, 1), /expected an IDX file .*, got 00 00 0a 01/],
    ['10^12 items', header(8, 10_000, 10_000, 10_000), /room for the \[10000, 10000, 10000\] items its header claims/],
    ['10^38 items', header(14, 2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1), /header claims/],
    ['10^12 items, gzipped', gzipSync(header(8, 10_000, 10_000, 10_000)), /header claims, got \d+ bytes of gzip/],
    ['60 huge sizes', header(8, ...Array(60).fill(2 ** 32 - 1)), /header claims/],
    ['255 huge sizes of doubles, gzipped', gzipSync(header(14, ...Array(255).fill(2 ** 32 - 1))), /header claims/],
    [
      'huge sizes and numbers where an axis is empty',
      Uint8Array.of(...header(8, ...Array(60).fill(2 ** 32 - 1), 0), 1),
      /0 bytes of numbers .*got more bytes/,
    ],
    ['numbers missing', Uint8Array.of(...header(8, 4), 1, 2, 3), /room for the \[4\] items/],
    ['numbers missing in gzip', gzipSync(Uint8Array.of(...header(8, 4), 1, 2, 3)), /4 bytes of numbers.*got 3 bytes/],
    ['numbers too many', Uint8Array.of(...header(8, 2), 1, 2, 3), /2 bytes of numbers.*got more bytes/],
    ['numbers too many in gzip', gzipSync(Uint8Array.of(...header(8, 2), 1, 2, 3)), /got more bytes/],
    ['no gzip after its magic', Uint8Array.of(0x1f, 0x8b, 1, 2, 3), /expected a whole gzip file, got broken gzip data/],
  ]
  for (const [what, bytes, message] of broken) {
    it(`refuses ${what}`, async () => {
      const path = join(await temporaryFolder(), 'broken-ubyte')
      await writeFile(path, bytes)
      await expectError(readIdx(path), 'E_FILE', new RegExp(`broken-ubyte: .*${message.source}`))
    })
  }

  it('reads no numbers of huge sizes with an empty axis', async () => {
    const path = join(await temporaryFolder(), 'empty-ubyte')
    const sizes = [...Array(60).fill(2 ** 32 - 1), 0]
    await writeFile(path, header(8, ...sizes))
    expect(await readIdxShape(path)).toEqual(sizes)
    expect(await readIdx(path)).toEqual({ data: new Uint8Array(0), shape: sizes })
    expect((await readIdx(path, { rows: [5, 2 ** 31] })).shape).toEqual([2, ...sizes.slice(1)])
  })

  it('refuses a gzip file cut anywhere', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'cut.gz')
    const whole = gzipSync(encodeIdx({ data: new Uint8Array(5000).map((_, i) => i * i), shape: [50, 100] }))
    for (const keep of [3, 12, 100, whole.length - 1]) {
      await writeFile(path, whole)
      await truncate(path, keep)
      await expectError(
        readIdx(path),
        'E_FILE',
        /cut\.gz: expected a whole gzip file, got a gzip stream that breaks off/,
      )
    }
  })

  it('refuses what is no file and more than maxBytes', async () => {
    const folder = await temporaryFolder()
    await expectError(readIdx(join(folder, 'none')), 'E_FILE', /none: expected a readable file, got nothing there/)
    await expectError(readIdx(folder), 'E_FILE', /expected a file, got a folder/)
    await expectError(readIdx(u1, { maxBytes: 29 }), 'E_FILE', /at most 29 bytes to keep, got 30 bytes/)
    expect((await readIdx(u1, { maxBytes: 29, rows: [0] })).shape).toEqual([1, 2, 3])
  })
})

const mnist = sharedPath('data', 'mnist', 'train-images-idx3-ubyte.gz')
it.skipIf(!mnist)(`reads the MNIST training file${mnist ? '' : ' (skipped: ../shared is not there)'}`, async () => {
  const { data, shape } = await readIdx(mnist!, { rows: [0, 59_999] })
  expect(await readIdxShape(mnist!)).toEqual([60_000, 28, 28])
  expect(shape).toEqual([2, 28, 28])
  // The first image is the well-known five: its pixels sum to 27,525.
  const five = (data as Uint8Array).subarray(0, 784)
  expect(five.reduce((sum, v) => sum + v, 0)).toBe(27_525)
})
