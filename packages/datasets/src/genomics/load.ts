// The public genomics data (Ren et al. 2019): some rows of a split, read from files of gigabytes in bounded memory.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CallOptions, mismatch, tensor, unknownName } from '@ood/core'
import { fileError } from '@ood/core/node'
import { MAX_DEFLATE_RATIO } from '../internal/bounds.ts'
import { openStream, readJson } from '../internal/files.ts'
import type { RawArray } from '../readers/raw-array.ts'
import { dataFolder } from '../registry/folders.ts'
import { chooseRows } from '../registry/rows.ts'
import { type GenomeSplit, genomeSplits } from './law.ts'
import { npyRows } from './npy-rows.ts'
import type { GenomeSet } from './synthetic.ts'
import { openZipEntry } from './zip-stream.ts'

/** What to load and from where. */
export interface LoadGenomesOptions extends Pick<CallOptions, 'signal' | 'seed'> {
  split: GenomeSplit
  /** At most this many sequences, a random subset fixed by `seed` (default 0); a smaller one begins a larger one. */
  limit?: number
  /** These rows of the split instead, in this order. */
  indices?: ArrayLike<number>
  /** Folder with the files, or with them in `genomics/` (default `OOD_DATA_DIR`). */
  dataDir?: string
  /** Most bytes of sequences to keep (default 2^30). */
  maxBytes?: number
  /**
   * Read each array to its end, so that its checksum is compared (default true). `false` stops after the last row asked
   * for, and takes rows of an archive that may be damaged.
   */
  verify?: boolean
}

/** Sequences of a file. */
export interface LoadedGenomes extends GenomeSet {
  /** Row of each sequence in its file. */
  indices: Int32Array
}

/**
 * Loads sequences of one split of the bacteria genomics data: 250 bases each; in-distribution classes for training
 * (`train_in`) and, for validation and test, the same classes (`val_in`, `test_in`) and classes discovered later
 * (`val_ood`, `test_ood`), different ones in each.
 *
 * Files are `<split>.npz` with `x` [N, T] of whole numbers 0..3, `is_outlier` [N] and `y` [N], or `<split>.npy`,
 * gzipped or not, with x alone (classes are then -1, and a split named `ood` holds outliers); `label_dict.json` names
 * the classes. A file is streamed: memory is that of the rows kept, and a call costs one pass (about 10 s a gigabyte),
 * with `verify: false` a pass up to the last row.
 *
 * @throws OodError `E_UNKNOWN_NAME` for a split there is not; `E_FILE` naming the file: missing, not what it should be,
 *   torn, arrays of different lengths, bases other than 0..3; `E_ARGUMENT` for rows there are not; `E_ABORTED`
 * @example
 * const { x, labels } = await loadGenomes({ split: 'val_in', dataDir: 'data', limit: 1000, seed: 1 }) // [1000, 250]
 */
export async function loadGenomes(options: LoadGenomesOptions): Promise<LoadedGenomes> {
  const { split, maxBytes = 2 ** 30 } = options
  if (!genomeSplits.includes(split)) throw unknownName('genome split', split, genomeSplits)
  const folder = dataFolder(options.dataDir)
  if (!folder) throw mismatch('E_ARGUMENT', 'loadGenomes', 'dataDir or OOD_DATA_DIR', undefined)
  const path = await locate(folder, split)
  let rows = new Int32Array(0)
  const x = await readRows(path, 'x', options, (shape) => {
    if (shape.length !== 2) throw fileError(path, 'x of shape [N, T]', shape)
    rows = new Int32Array(chooseRows(shape[0]!, options))
    const bytes = 4 * rows.length * shape[1]!
    if (bytes > maxBytes) throw fileError(path, `at most ${maxBytes} bytes of sequences (see limit)`, `${bytes} bytes`)
    return rows
  })
  const column = (name: string): Promise<RawArray> =>
    readRows(path, name, options, (shape) => {
      if (shape.length !== 1) throw fileError(path, `${name} of shape [N]`, shape)
      return rows
    })
  const named = path.endsWith('.npz')
  const isOutlier = new Uint8Array(rows.length).fill(split.endsWith('ood') ? 1 : 0)
  const labels = new Int32Array(rows.length).fill(-1)
  if (named) fill(isOutlier, await column('is_outlier'), `${path} array is_outlier`, 0, 1)
  if (named) fill(labels, await column('y'), `${path} array y`, -(2 ** 31), 2 ** 31 - 1)
  const bases = fill(new Float32Array(x.data.length), x, `${path} array x`, 0, 3)
  return {
    x: tensor(bases, [rows.length, x.shape[1]!]),
    isOutlier,
    labels,
    names: await classNames(join(path, '..', 'label_dict.json')),
    indices: rows,
  }
}

/** The file of a split, in the folder or in its `genomics/`. */
async function locate(folder: string, split: GenomeSplit): Promise<string> {
  for (const place of [folder, join(folder, 'genomics')])
    for (const ending of ['npz', 'npy', 'npy.gz']) {
      const path = join(place, `${split}.${ending}`)
      if (
        await stat(path).then(
          (info) => info.isFile(),
          () => false,
        )
      )
        return path
    }
  throw fileError(join(folder, `${split}.npz`), 'a file of the genomics data (there or in genomics/)', 'nothing there')
}

async function readRows(
  path: string,
  array: string,
  { signal, verify = true }: LoadGenomesOptions,
  choose: (shape: readonly number[]) => ArrayLike<number>,
): Promise<RawArray> {
  if (path.endsWith('.npz')) {
    const { size, chunks } = await openZipEntry(path, `${array}.npy`, signal)
    return npyRows({ chunks, name: `${path} entry ${array}.npy`, bytes: size, exact: true, toEnd: verify }, choose)
  }
  const { chunks, gzip, size } = await openStream(path, signal)
  // A plain file has no checksum to read on for; its size is compared at once.
  return gzip
    ? npyRows({ chunks, name: path, bytes: size * MAX_DEFLATE_RATIO, exact: false, toEnd: verify }, choose)
    : npyRows({ chunks, name: path, bytes: size, exact: true, toEnd: false }, choose)
}

/** Copies the numbers into `out`, checked to be whole and within low..high. */
function fill<Out extends Float32Array | Int32Array | Uint8Array>(
  out: Out,
  { data }: RawArray,
  what: string,
  low: number,
  high: number,
): Out {
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i])
    if (!(Number.isInteger(value) && value >= low && value <= high))
      throw fileError(what, `whole numbers ${low}..${high}`, value)
    out[i] = value
  }
  return out
}

/** Most bytes of `label_dict.json`. */
const MAX_NAMES = 2 ** 24

/** Names of the classes: a JSON object of numbers to names or of names to numbers; none when the file is absent. */
async function classNames(path: string): Promise<Record<number, string>> {
  const absent = await stat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  )
  if (absent) return {}
  const parsed = await readJson(path, MAX_NAMES, 'a JSON object of class names')
  if (typeof parsed !== 'object' || parsed === null) throw fileError(path, 'a JSON object of class names', parsed)
  const names = new Map<number, string>()
  for (const [key, value] of Object.entries(parsed as Record<string, unknown>)) {
    const numbered = typeof value === 'number'
    // Number() alone would take '' for class 0.
    const number = numbered ? value : /^-?\d+$/.test(key) ? Number(key) : Number.NaN
    const name = numbered ? key : value
    if (!Number.isSafeInteger(number) || typeof name !== 'string')
      throw fileError(path, 'class numbers and names', [key, value])
    if (names.has(number)) throw fileError(path, `one name of class ${number}`, 'two')
    names.set(number, name)
  }
  return Object.fromEntries(names)
}
