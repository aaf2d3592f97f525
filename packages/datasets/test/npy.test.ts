// .npy and .npz against NumPy's own files, round trips, and broken, oversized or hostile ones.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OodError } from '@ood/core'
import fc from 'fast-check'
import { strToU8, zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { decodeNpy, encodeNpy, type RawData, readNpy, readNpz, toBatch, writeNpy, writeNpz } from '../src/index.ts'
import { expectArray, expectError, fixture, golden, temporaryFolder } from './helpers.ts'

/** A version 2 file of uint8 in Fortran order with this text as its shape, and one number. */
function withHeader(shape: string): Uint8Array {
  const text = `{'descr': '|u1', 'fortran_order': True, 'shape': ${shape}, }\n`
  const bytes = Buffer.concat([Buffer.from('\x93NUMPY\x02\0\0\0\0\0', 'latin1'), Buffer.from(text), Buffer.of(7)])
  bytes.writeUInt32LE(text.length, 8)
  return bytes
}

describe('npy', () => {
  for (const [name, expected] of Object.entries(golden.npy)) {
    it(`reads ${name}`, async () => {
      expectArray(await readNpy(fixture('npy', name)), expected)
    })
  }

  it('writes the very bytes NumPy writes', async () => {
    for (const name of ['u1', 'i1', 'u2', 'i4', 'i8', 'f4', 'vector', 'empty']) {
      const bytes = new Uint8Array(await readFile(fixture('npy', `${name}.npy`)))
      expect(encodeNpy(decodeNpy(bytes, name)), name).toEqual(bytes)
    }
  })

  it('reads what it writes', async () => {
    const path = join(await temporaryFolder(), 'x.npy')
    const makers = [Uint8Array, Int16Array, Uint32Array, Float32Array, Float64Array] as const
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double()), fc.constantFrom(...makers), async (values, make) => {
        const data: RawData = make.from(values)
        await writeNpy(path, { data, shape: [1, values.length] })
        expect(await readNpy(path)).toEqual({ data, shape: [1, values.length] })
      }),
      { numRuns: 30 },
    )
    expect(() => encodeNpy({ data: new Uint8Array(3), shape: [2] })).toThrow(/encodeNpy: expected 3 numbers/)
  })

  it('reads from a view into a larger buffer, as Node hands out for small files', () => {
    const data = Float32Array.of(1, 2, 3)
    const bytes = encodeNpy({ data, shape: [3] })
    const pool = Buffer.alloc(8 + bytes.length + 64, 0xff)
    pool.set(bytes, 8)
    const read = decodeNpy(pool.subarray(8, 8 + bytes.length), 'view')
    expect(read).toEqual({ data, shape: [3] })
    expect(read.data.buffer.byteLength).toBe(12)
  })

  it('becomes a float batch: float64 where float32 would lose digits', () => {
    expect(toBatch({ data: Int16Array.of(-3), shape: [1] }).data).toEqual(Float32Array.of(-3))
    expect(toBatch({ data: Int32Array.of(16_777_217), shape: [1] }).data).toEqual(Float64Array.of(16_777_217))
    expect(toBatch({ data: BigInt64Array.of(-5n), shape: [1] }).data).toEqual(Float64Array.of(-5))
  })

  it('refuses broken files in one line', async () => {
    const good = new Uint8Array(await readFile(fixture('npy', 'f4.npy')))
    const changed = (from: string, to: string): Uint8Array =>
      Uint8Array.from(Buffer.from(Buffer.from(good).toString('latin1').replace(from, to), 'latin1'))
    const failing: [Uint8Array, RegExp][] = [
      [new Uint8Array(0), /x\.npy: expected a \.npy file .*, got 0 bytes/],
      [strToU8('not numpy at all'), /expected a \.npy file/],
      [good.subarray(0, 40), /a header of \d+ bytes, got 40 bytes/],
      [good.subarray(0, good.length - 1), /96 bytes of numbers for shape \[2,3,4\] of f4, got 95 bytes/],
      [Uint8Array.of(...good, 0), /got 97 bytes/],
      [changed("'<f4'", "'<c8'"), /an element type of b1, .*, got c8/],
      [changed("'<f4'", "'|O8'"), /got O8/],
      [changed('(2, 3, 4)', '(2, 3, x)'), /a \.npy header with descr, fortran_order and shape/],
      [changed('(2, 3, 4)', '(10000, 10000, 10000)'), /bytes of numbers for shape \[10000,10000,10000\]/],
      [Uint8Array.from(good, (byte, i) => (i === 6 ? 9 : byte)), /\.npy version 1, 2 or 3, got 9/],
      [changed("'shape'", "'shapf'"), /a \.npy header with/],
      [changed('(2, 3, 4), }', '(2, 3, 4), {'), /a \.npy header with/],
      [changed("'descr'", "'shape'"), /a \.npy header with/],
      [changed('(2, 3, 4)', '(24)     '), /a \.npy header with/],
      [changed('(2, 3, 4)', '(2 3, 4) '), /a \.npy header with/],
      [changed("'<f4'", '[   ]'), /an element type of b1, .*, got \[/],
      [changed('(2, 3, 4), }'.padEnd(60), `(0, ${'9'.repeat(50)}), }`.padEnd(60)), /sizes below 2\^53/],
      [withHeader(`(${'1, '.repeat(65)})`), /at most 64 axes, got 65/],
      [withHeader(`(${'1, '.repeat(20_000)})`), /at most 64 axes, got 20000/],
      [withHeader(`(${' '.repeat(60_000)}`), /a \.npy header with/],
      [withHeader(`(${'1,'.repeat(30_000)}`), /a \.npy header with/],
      [withHeader(`(${'7'.repeat(60_000)}`), /a \.npy header with/],
      [withHeader(`(${'1, '.repeat(30_000)})`), /a header of at most 65536 bytes/],
    ]
    for (const [bytes, message] of failing) {
      const started = performance.now()
      expect(() => decodeNpy(bytes, 'x.npy')).toThrow(message)
      expect(performance.now() - started).toBeLessThan(500)
    }
    const bools = new Uint8Array(await readFile(fixture('npy', 'b1.npy')))
    bools[bools.length - 1] = 7
    expect(() => decodeNpy(bools, 'x.npy')).toThrow(/x\.npy: expected bools 0 and 1, got 7 at/)
    await expectError(readNpy(fixture('npy', 'objects.npy')), 'E_FILE', /objects\.npy: .*got O/)
    await expectError(readNpy(fixture('npy', 'f4.npy'), { maxBytes: 10 }), 'E_FILE', /at most 10 bytes/)
    await expectError(readNpy('nowhere.npy'), 'E_FILE', /nowhere\.npy: expected a readable file, got nothing there/)
  })
})

describe('npz', () => {
  for (const [name, expected] of Object.entries(golden.npz)) {
    it(`reads ${name}`, async () => {
      const arrays = await readNpz(fixture('npy', name))
      expect(Object.keys(arrays).sort()).toEqual(Object.keys(expected).sort())
      for (const [key, array] of Object.entries(expected)) expectArray(arrays[key]!, array)
    })
  }

  it('reads only the arrays asked for, and says which is missing', async () => {
    expect(Object.keys(await readNpz(fixture('npy', 'stored.npz'), ['y']))).toEqual(['y'])
    await expectError(
      readNpz(fixture('npy', 'stored.npz'), ['z']),
      'E_FILE',
      /stored\.npz: expected an array z, got none/,
    )
  })

  it('reads what it writes, the same file each time', async () => {
    const folder = await temporaryFolder()
    const arrays = { a: { data: Float64Array.of(1, NaN), shape: [2] }, b: { data: Int8Array.of(3), shape: [1, 1] } }
    await writeNpz(join(folder, 'x.npz'), arrays)
    await writeNpz(join(folder, 'y.npz'), arrays)
    expect(await readNpz(join(folder, 'x.npz'))).toEqual(arrays)
    expect(await readFile(join(folder, 'x.npz'))).toEqual(await readFile(join(folder, 'y.npz')))
  })

  it('takes no damaged file for a whole one', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'x.npz')
    const stored = new Uint8Array(await readFile(fixture('npy', 'stored.npz')))
    const deflated = new Uint8Array(await readFile(fixture('npy', 'deflated.npz')))
    await writeNpz(path, { a: { data: Float64Array.of(1, 2), shape: [2] } })
    const own = new Uint8Array(await readFile(path))
    for (const bytes of [stored, deflated, own]) {
      await writeFile(path, bytes)
      const whole = await readNpz(path)
      let refused = 0
      for (let at = 0; at < bytes.length; at++) {
        const damaged = bytes.slice()
        damaged[at]! ^= 1 << (at % 8)
        await writeFile(path, damaged)
        // What is not refused (dates, versions, attributes) is what was written, to the bit.
        const read = await readNpz(path).catch((error: unknown) => error)
        if (read instanceof OodError) refused++
        else expect(read, `byte ${at}`).toEqual(whole)
      }
      expect(refused / bytes.length).toBeGreaterThan(0.6)
    }
  })

  it('compares the CRC-32 of every entry it reads, and of no other', async () => {
    const path = join(await temporaryFolder(), 'x.npz')
    const bytes = new Uint8Array(await readFile(fixture('npy', 'stored.npz')))
    const view = new DataView(bytes.buffer)
    // The last byte of the first entry's numbers lies just before the second local header.
    const next = bytes.findIndex((_, i) => i > 0 && i + 4 <= bytes.length && view.getUint32(i, true) === 0x04034b50)
    bytes[next - 1]! ^= 1
    await writeFile(path, bytes)
    const [first, ...others] = Object.keys(await readNpz(fixture('npy', 'stored.npz')))
    await expectError(
      readNpz(path),
      'E_FILE',
      /x\.npz entry .*\.npy: expected contents with the listed checksum, got others/,
    )
    const rest = await readNpz(path, others).catch(() => readNpz(path, [first!]))
    expect(Object.keys(rest).length).toBeGreaterThan(0)
  })

  it('refuses paths that leave the archive, bombs, lies and torn files', async () => {
    const path = join(await temporaryFolder(), 'bad.npz')
    const npy = encodeNpy({ data: new Uint8Array(100_000), shape: [100_000] })
    for (const name of ['../x.npy', 'a/../../x.npy', '/etc/x.npy', '..\\x.npy', 'C:x.npy']) {
      await writeFile(path, zipSync({ [name]: npy }))
      await expectError(readNpz(path), 'E_FILE', /bad\.npz: expected entry names inside the archive, got /)
    }
    const bomb = zipSync({ 'x.npy': npy })
    await writeFile(path, bomb)
    await expectError(readNpz(path, undefined, { maxBytes: 50_000 }), 'E_FILE', /at most 50000 bytes unpacked/)
    // The size in the central directory says less or more than there is.
    for (const claim of [1000, 200_000]) {
      const lie = bomb.slice()
      const directory = lie.findIndex((_, i) => new DataView(lie.buffer).getUint32(i, true) === 0x02014b50)
      new DataView(lie.buffer).setUint32(directory + 24, claim, true)
      await writeFile(path, lie)
      await expectError(readNpz(path), 'E_FILE', /bad\.npz/)
    }
    for (const keep of [0, 10, bomb.length - 30]) {
      await writeFile(path, bomb.subarray(0, keep))
      await expectError(readNpz(path), 'E_FILE', /bad\.npz: expected a whole zip file/)
    }
  })
})
