// Arrays and tables: IDX, .npy, .npz, CSV and the genomics files.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import {
  decodeNpy,
  encodeIdx,
  encodeNpy,
  loadGenomes,
  type RawArray,
  readCsv,
  readIdx,
  readIdxShape,
  readNpy,
  readNpz,
  toBatch,
} from '@ood/datasets'
import { zipSync } from 'fflate'
import { fixtures } from '../corpus.ts'
import { damaged, damagedText } from '../mutate.ts'
import { pick, type Target, Wrong } from '../target.ts'

const small = (name: string): RawArray => ({
  data: Float32Array.of(1, 2, 3, 4, 5, 6),
  shape: [name.length, 6 / name.length],
})
const arrays = { a: { data: Float64Array.of(1.5, -2, Number.NaN), shape: [3] }, bc: small('bc') }
const npys = (): Uint8Array[] => fixtures('packages/datasets/test/fixtures/npy', /\.npy$/)

/** Shape and element count must agree, whatever was read. */
function sound(array: RawArray): void {
  const size = array.shape.reduce((product, n) => product * n, 1)
  if (size !== array.data.length) throw new Wrong(`${array.data.length} numbers of shape [${array.shape}]`)
  toBatch(array)
}

const idx: Target = {
  name: 'idx',
  weight: 8,
  async open(folder) {
    const inputs = fixtures('packages/datasets/test/fixtures/idx', /\.idx/)
    const path = join(folder, 'x-ubyte')
    return async (rng, keep) => {
      const whole = pick(rng, inputs)
      const bytes = damaged(whole, rng, pick(rng, inputs))
      // Damage below the gzip wrapper as well as of it.
      const stored = whole[0] !== 0x1f && rng.integer(4) === 0 ? gzipSync(bytes) : bytes
      keep('x-ubyte', stored)
      writeFileSync(path, stored)
      const shape = await readIdxShape(path)
      const rows = rng.integer(2) === 0 ? { rows: [0, Math.max(0, (shape[0] ?? 0) - 1)] } : {}
      const array = await readIdx(path, { ...rows, maxBytes: 2 ** 24 })
      sound(array)
      if (!('rows' in rows)) {
        // What was taken is written back to the bytes it was read from.
        const back = encodeIdx(array)
        if (stored === bytes && bytes[0] !== 0x1f && Buffer.compare(back, bytes) !== 0)
          throw new Wrong('other bytes when written back')
      }
      return 'ok'
    }
  },
}

const npy: Target = {
  name: 'npy',
  weight: 8,
  async open(folder) {
    const inputs = npys()
    const path = join(folder, 'x.npy')
    return async (rng, keep) => {
      const bytes =
        rng.integer(4) === 0
          ? damagedText(Buffer.from(pick(rng, inputs)).toString('latin1'), rng, [
              '(',
              ')',
              ',',
              'L',
              "'",
              '9'.repeat(20),
              '1,',
              '{',
              '}',
              ' ',
            ])
          : damaged(pick(rng, inputs), rng, pick(rng, inputs))
      keep('x.npy', bytes)
      if (rng.integer(4) > 0) sound(decodeNpy(bytes, 'x.npy'))
      else {
        writeFileSync(path, bytes)
        sound(await readNpy(path, { maxBytes: 2 ** 24 }))
      }
      return 'ok'
    }
  },
}

const npz: Target = {
  name: 'npz',
  weight: 12,
  async open(folder) {
    const path = join(folder, 'x.npz')
    const files = Object.fromEntries(Object.entries(arrays).map(([name, array]) => [`${name}.npy`, encodeNpy(array)]))
    const inputs = [
      ...fixtures('packages/datasets/test/fixtures/npy', /\.npz$/),
      zipSync(files),
      zipSync(files, { level: 0 }),
    ]
    const expected: Record<string, string>[] = []
    const text = (read: Record<string, RawArray>): Record<string, string> =>
      Object.fromEntries(
        Object.entries(read).map(([name, { data, shape }]) => [name, `${data.constructor.name}${shape}:${[...data]}`]),
      )
    for (const bytes of inputs) {
      writeFileSync(path, bytes)
      expected.push(text(await readNpz(path)))
    }
    return async (rng, keep) => {
      const which = rng.integer(inputs.length)
      if (rng.integer(5) === 0) {
        // Damage inside the checksums.
        const inner = damaged(files['a.npy']!, rng, files['bc.npy'])
        const bytes = zipSync({ 'a.npy': inner, 'bc.npy': files['bc.npy']! }, { level: pick(rng, [0, 6]) })
        keep('x.npz', bytes)
        writeFileSync(path, bytes)
        for (const array of Object.values(await readNpz(path, undefined, { maxBytes: 2 ** 24 }))) sound(array)
        return 'ok'
      }
      const bytes = damaged(inputs[which]!, rng)
      keep('x.npz', bytes)
      writeFileSync(path, bytes)
      const read = text(await readNpz(path, undefined, { maxBytes: 2 ** 24 }))
      // Every byte of an array is under a CRC-32: what is taken is what was written.
      if (JSON.stringify(read) !== JSON.stringify(expected[which])) throw new Wrong('other arrays than were written')
      return 'ok'
    }
  },
}

const csv: Target = {
  name: 'csv',
  weight: 8,
  async open(folder) {
    const path = join(folder, 'x.csv')
    const inputs = [
      'row,log_prob,lid\n0,-2345.6789,12.5\n1,-1.5e3,NaN\n2,inf,-0\n',
      'score\n1\n2.25\n3\n',
      'name,score\n"a, ""b""",1\n"c\nd",2\n',
      readFileSync(new URL('../../../packages/datasets/test/fixtures/table.csv', import.meta.url), 'utf8'),
    ]
    return async (rng, keep) => {
      const text = pick(rng, inputs)
      const options = {
        missing: pick(rng, ['error', 'nan'] as const),
        ...(rng.integer(2) === 0 ? {} : { columns: ['score'] }),
      }
      if (rng.integer(5) === 0) {
        // A cut file has fewer whole rows, or is refused.
        const cut = text.slice(0, rng.integer(text.length))
        keep('x.csv', cut)
        writeFileSync(path, cut)
        const { data } = await readCsv(path, { columns: ['score'] })
        const scores = text.startsWith('score') ? [1, 2.25, 3] : [1, 2]
        if ([...data.data].some((value, i) => value !== scores[i]))
          throw new Wrong(`scores [${data.data}] of a cut file`)
        return 'ok'
      }
      const bytes = damagedText(text, rng)
      keep('x.csv', bytes)
      writeFileSync(path, bytes)
      const { data, columns } = await readCsv(path, options)
      if (data.data.length !== data.shape[0]! * columns.length) throw new Wrong('rows of another width')
      return 'ok'
    }
  },
}

const genomes: Target = {
  name: 'genomes',
  weight: 6,
  async open(folder) {
    const x: RawArray = { data: Uint8Array.from({ length: 40 }, (_, i) => i % 4), shape: [4, 10] }
    const column: RawArray = { data: Int32Array.of(0, 1, 1, 0), shape: [4] }
    const npy = encodeNpy(x)
    const npz = zipSync({ 'x.npy': npy, 'is_outlier.npy': encodeNpy(column), 'y.npy': encodeNpy(column) })
    const names = '{"0": "Abiotrophia", "1": "Bacillus"}'
    const write = (name: string, bytes: Uint8Array | string): void => writeFileSync(join(folder, name), bytes)
    const load = async (split: 'val_in' | 'test_in' | 'train_in'): Promise<'ok'> => {
      const set = await loadGenomes({ split, dataDir: folder, maxBytes: 2 ** 24 })
      if (set.x.shape[0] !== set.labels.length) throw new Wrong('labels of other rows')
      return 'ok'
    }
    return async (rng, keep) => {
      const kind = rng.integer(4)
      write(
        'label_dict.json',
        kind === 3 ? damagedText(names, rng, ['{', '}', '"', ':', ',', '[', '1', 'null', '-']) : names,
      )
      if (kind === 0) {
        const bytes = damaged(npz, rng)
        keep('val_in.npz', bytes)
        write('val_in.npz', bytes)
        const set = await loadGenomes({ split: 'val_in', dataDir: folder, maxBytes: 2 ** 24 })
        if (set.x.data.some((base, i) => base !== i % 4) || set.labels.join() !== '0,1,1,0')
          throw new Wrong('other bases')
        return 'ok'
      }
      if (kind === 1) {
        const bytes = damaged(npy, rng)
        keep('test_in.npy', bytes)
        write('test_in.npy', bytes)
        return load('test_in')
      }
      const bytes = kind === 2 ? gzipSync(damaged(npy, rng)) : gzipSync(npy)
      const stored = rng.integer(2) === 0 ? damaged(bytes, rng) : bytes
      keep('train_in.npy.gz', stored)
      write('train_in.npy.gz', stored)
      return load('train_in')
    }
  },
}

export const tables: readonly Target[] = [idx, npy, npz, csv, genomes]
