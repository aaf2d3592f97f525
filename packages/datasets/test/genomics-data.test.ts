// The loader of the public genomics data: NumPy's own files in every way they can be stored, and broken ones.
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deflateRawSync, gzipSync } from 'node:zlib'
import { flatData, type NdArray } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { encodeNpy, type GenomeSplit, loadGenomes, type RawData, syntheticGenomes, writeNpz } from '../src/index.ts'
import { expectError, fixture, temporaryFolder } from './helpers.ts'

const dataDir = fixture('genomics')
const expected: Record<string, { sums: number[]; is_outlier?: number[]; y?: number[] }> = JSON.parse(
  await readFile(fixture('genomics', 'expected.json'), 'utf8'),
)
/** What the fixtures record of each row: the sum of position times base. */
const sums = (x: NdArray): number[] => {
  const data = Float64Array.from(flatData(x))
  return Array.from({ length: x.shape[0]! }, (_, i) =>
    data.subarray(i * 250, (i + 1) * 250).reduce((sum, base, t) => sum + base * t, 0),
  )
}

describe('loadGenomes', () => {
  // int32 deflated, int8 stored, int64 deflated, uint8 with forced zip64 headers.
  it.each(['train_in', 'val_in', 'test_in', 'test_ood'] as const)('reads %s.npz', async (split) => {
    const set = await loadGenomes({ split, dataDir })
    expect(set.x.shape).toEqual([expected[split]!.sums.length, 250])
    expect(sums(set.x)).toEqual(expected[split]!.sums)
    expect([...set.isOutlier]).toEqual(expected[split]!.is_outlier)
    expect([...set.labels]).toEqual(expected[split]!.y)
    expect(set.names[129]).toBe('bacterium 129')
    expect([...set.indices]).toEqual([...set.labels.keys()])
  })

  it('reads x alone from a gzipped .npy, telling outliers by the name of the split', async () => {
    const set = await loadGenomes({ split: 'val_ood', dataDir })
    expect(sums(set.x)).toEqual(expected.val_ood!.sums)
    expect(new Set(set.isOutlier)).toEqual(new Set([1]))
    expect(new Set(set.labels)).toEqual(new Set([-1]))
  })

  it('finds the files in genomics/ of the data folder too', async () => {
    const set = await loadGenomes({ split: 'val_in', dataDir: fixture(), limit: 2 })
    expect(set.x.shape).toEqual([2, 250])
  })

  it('reads a subset: the same rows as of the whole, a smaller one the beginning of a larger one', async () => {
    const all = await loadGenomes({ split: 'train_in', dataDir })
    const some = await loadGenomes({ split: 'train_in', dataDir, limit: 12, seed: 7 })
    const fewer = await loadGenomes({ split: 'train_in', dataDir, limit: 5, seed: 7 })
    expect(sums(some.x)).toEqual([...some.indices].map((i) => sums(all.x)[i]))
    expect([...some.labels]).toEqual([...some.indices].map((i) => all.labels[i]))
    expect([...fewer.indices]).toEqual([...some.indices.slice(0, 5)])
    const picked = await loadGenomes({ split: 'train_in', dataDir, indices: [3, 0, 3] })
    expect(sums(picked.x)).toEqual([3, 0, 3].map((i) => sums(all.x)[i]))
    await expectError(
      loadGenomes({ split: 'train_in', dataDir, indices: [40] }),
      'E_ARGUMENT',
      /indices: expected rows 0..39, got 40/,
    )
  })

  it('reads to the end to compare the checksum, unless told to stop after the last row', async () => {
    const folder = await temporaryFolder()
    // Bases that hardly compress, so that the torn end is far from the first rows.
    const data = Uint8Array.from({ length: 2_000 * 250 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 30)
    const whole = encodeNpy({ data, shape: [2_000, 250] })
    const packed = gzipSync(whole)
    await writeFile(join(folder, 'val_in.npy.gz'), packed.subarray(0, packed.length - 100))
    const some = { split: 'val_in', dataDir: folder, indices: [1_000, 0] } as const
    await expectError(loadGenomes(some), 'E_FILE', /a whole gzip file, got a gzip stream that breaks off/)
    const { x } = await loadGenomes({ ...some, verify: false })
    expect(flatData(x).subarray(0, 250)).toEqual(Float32Array.from(data.subarray(250_000, 250_250)))
    await expectError(
      loadGenomes({ split: 'val_in', dataDir: folder, indices: [1_999], verify: false }),
      'E_FILE',
      /a whole gzip file, got a gzip stream that breaks off/,
    )
    // Bytes behind the array are no part of it.
    await writeFile(join(folder, 'val_in.npy.gz'), gzipSync(Buffer.concat([whole, Buffer.alloc(3)])))
    await expectError(loadGenomes(some), 'E_FILE', /500000 bytes of numbers, got 500003 bytes/)
    // Of a plain file the size tells at once.
    await writeFile(join(folder, 'val_in.npy'), Buffer.concat([whole, Buffer.alloc(3)]))
    await expectError(loadGenomes(some), 'E_FILE', /500000 bytes of numbers for shape \[2000,250\], got 500003 bytes/)
    await writeFile(join(folder, 'val_in.npy'), whole.subarray(0, whole.length - 1))
    await expectError(
      loadGenomes({ split: 'val_in', dataDir: folder, indices: [0] }),
      'E_FILE',
      /room for the \[2000,250\] numbers its header claims, got 500127 bytes/,
    )
  })

  it('reads what the generator writes', async () => {
    const folder = await temporaryFolder()
    const { x, isOutlier, labels } = syntheticGenomes({ split: 'test_ood', n: 20 })
    await writeNpz(join(folder, 'test_ood.npz'), {
      x: { data: Uint8Array.from(flatData(x)), shape: [20, 250] },
      is_outlier: { data: isOutlier, shape: [20] },
      y: { data: labels, shape: [20] },
    })
    const set = await loadGenomes({ split: 'test_ood', dataDir: folder })
    expect(flatData(set.x)).toEqual(flatData(x))
    expect(set.labels).toEqual(labels)
    expect(set.isOutlier).toEqual(isOutlier)
    expect(set.names).toEqual({})
  })

  it('reads a zip64 directory, as files beyond 4 GiB have', async () => {
    const folder = await temporaryFolder()
    const n = 3
    const entries: [string, RawData, number[]][] = [
      ['x', Uint8Array.from({ length: n * 250 }, (_, i) => i % 4), [n, 250]],
      ['is_outlier', new Uint8Array(n), [n]],
      ['y', Int32Array.of(5, 6, 7), [n]],
    ]
    await writeFile(
      join(folder, 'val_in.npz'),
      zip64(entries.map(([name, data, shape]) => [`${name}.npy`, encodeNpy({ data, shape })])),
    )
    const set = await loadGenomes({ split: 'val_in', dataDir: folder })
    expect([...set.labels]).toEqual([5, 6, 7])
    expect(flatData(set.x).subarray(0, 5)).toEqual(Float32Array.of(0, 1, 2, 3, 0))
  })

  it('refuses broken files in one line', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'val_in.npz')
    const load = (): Promise<unknown> => loadGenomes({ split: 'val_in', dataDir: folder })
    await expectError(load(), 'E_FILE', /val_in\.npz: expected a file of the genomics data .*, got nothing there/)
    const x = { data: new Uint8Array(500), shape: [2, 250] }
    const column = { data: new Uint8Array(2), shape: [2] }
    const cases: [Record<string, { data: RawData; shape: number[] }>, RegExp][] = [
      [{ is_outlier: column, y: column }, /an entry x\.npy, got none of that name/],
      [{ x, y: column }, /an entry is_outlier\.npy/],
      [{ x: { ...x, shape: [500] }, is_outlier: column, y: column }, /x of shape \[N, T\], got \[500\]/],
      [
        { x: { data: Uint8Array.of(0, 4), shape: [1, 2] }, is_outlier: column, y: column },
        /whole numbers 0\.\.3, got 4/,
      ],
      [{ x: { data: Float32Array.of(0.5), shape: [1, 1] }, is_outlier: column, y: column }, /0\.\.3, got 0\.5/],
      [
        { x, is_outlier: { data: Uint8Array.of(0, 2), shape: [2] }, y: column },
        /is_outlier: expected whole numbers 0\.\.1/,
      ],
      [{ x, is_outlier: { data: Uint8Array.of(0), shape: [1] }, y: column }, /rows 0\.\.0, got 1/],
      [{ x, is_outlier: column, y: { data: new Uint8Array(4), shape: [2, 2] } }, /y of shape \[N\]/],
    ]
    for (const [arrays, message] of cases) {
      await writeNpz(path, arrays)
      await expect(load(), String(message)).rejects.toThrow(message)
    }
    await writeNpz(path, { x, is_outlier: column, y: column })
    await expectError(
      loadGenomes({ split: 'val_in', dataDir: folder, maxBytes: 1999 }),
      'E_FILE',
      /at most 1999 bytes of sequences \(see limit\), got 2000 bytes/,
    )
    const good = new Uint8Array(await readFile(path))
    for (const keep of [0, 10, good.length - 30]) {
      await writeFile(path, good.subarray(0, keep))
      await expectError(load(), 'E_FILE', /val_in\.npz: expected a whole zip file/)
    }
    // One byte of the deflated x differs: broken data or, if they still unpack, a wrong checksum.
    const flipped = good.slice()
    flipped[60] = flipped[60]! ^ 0xff
    await writeFile(path, flipped)
    await expectError(load(), 'E_FILE', /val_in\.npz/)
    await writeFile(join(folder, 'label_dict.json'), '["a"]')
    await writeFile(path, good)
    expect(await load()).toMatchObject({ names: { 0: 'a' } })
    const deep = `{"a": ${'['.repeat(300_000)}${']'.repeat(300_000)}}`
    for (const text of ['{', '{"a": true}', 'null', '3', '{"": "a"}', '{"a": 1, "b": 1}', '{"0x1": "a"}', deep]) {
      await writeFile(join(folder, 'label_dict.json'), text)
      await expectError(load(), 'E_FILE', /label_dict\.json: expected/)
    }
  })

  it('refuses a header that claims more than the file can hold before it allocates anything', async () => {
    const folder = await temporaryFolder()
    const good = Buffer.from(encodeNpy({ data: new Uint8Array(500), shape: [2, 250] }))
    // Nine digits more, nine spaces of padding fewer: the header keeps its length.
    const text = good.toString('latin1').replace('(2, 250), }'.padEnd(20), '(2000000000, 250), }')
    expect(text).toHaveLength(good.length)
    const bytes = Buffer.from(text, 'latin1')
    await writeFile(join(folder, 'val_in.npy'), bytes)
    await expectError(
      loadGenomes({ split: 'val_in', dataDir: folder, limit: 1 }),
      'E_FILE',
      /room for the \[2000000000,250\] numbers its header claims/,
    )
  })

  it('says which splits there are and where it looked', async () => {
    await expectError(
      loadGenomes({ split: 'train' as GenomeSplit, dataDir }),
      'E_UNKNOWN_NAME',
      /genome split: expected one of train_in, /,
    )
    const folder = await temporaryFolder()
    await copyFile(fixture('genomics', 'val_in.npz'), join(folder, 'val_in.npz'))
    await expectError(loadGenomes({ split: 'test_in', dataDir: folder }), 'E_FILE', /test_in\.npz/)
    const stopped = AbortSignal.abort()
    await expectError(loadGenomes({ split: 'val_in', dataDir: folder, signal: stopped }), 'E_ABORTED', /./)
  })
})

/** A zip whose sizes and offsets all stand in zip64 fields. */
function zip64(entries: readonly [string, Uint8Array][]): Uint8Array {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  const add = (part: Buffer): void => {
    parts.push(part)
    at += part.length
  }
  for (const [name, bytes] of entries) {
    const packed = deflateRawSync(bytes)
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50)
    local.writeUInt16LE(8, 8)
    local.writeUInt16LE(name.length, 26)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(0x02014b50)
    entry.writeUInt16LE(8, 10)
    entry.writeUInt32LE(crc(bytes), 16)
    for (const field of [20, 24, 42]) entry.writeUInt32LE(0xffffffff, field)
    entry.writeUInt16LE(name.length, 28)
    entry.writeUInt16LE(28 + 5, 30)
    const extra = Buffer.alloc(28 + 5)
    extra.writeUInt16LE(0x9999) // a field of someone else's, one byte long
    extra.writeUInt16LE(1, 2)
    extra.writeUInt16LE(1, 5)
    extra.writeUInt16LE(24, 7)
    for (const [i, value] of [bytes.length, packed.length, at].entries())
      extra.writeBigUInt64LE(BigInt(value), 9 + 8 * i)
    directory.push(entry, Buffer.from(name), extra)
    add(Buffer.concat([local, Buffer.from(name), packed]))
  }
  const start = at
  add(Buffer.concat(directory))
  const end = Buffer.alloc(56 + 20 + 22)
  end.writeUInt32LE(0x06064b50)
  end.writeBigUInt64LE(BigInt(at - start), 40)
  end.writeBigUInt64LE(BigInt(start), 48)
  end.writeUInt32LE(0x07064b50, 56)
  end.writeBigUInt64LE(BigInt(at), 64)
  end.writeUInt32LE(0x06054b50, 76)
  end.writeUInt32LE(0xffffffff, 88)
  end.writeUInt32LE(0xffffffff, 92)
  parts.push(end)
  return Buffer.concat(parts)
}

/** CRC-32 by its definition, bit by bit. */
function crc(bytes: Uint8Array): number {
  let value = 0xffffffff
  for (const byte of bytes) {
    value ^= byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  }
  return (value ^ 0xffffffff) >>> 0
}
