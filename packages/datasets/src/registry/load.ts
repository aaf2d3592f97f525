// Loads a data set by name: from a folder, the cache, or its official source.
import { mismatch, permutation, random, tensor, unknownName } from '@ood/core'
import type { ZipEntry } from '../internal/zip.ts'
import { readIdx, readIdxShape } from '../readers/idx.ts'
import { readImageEntries, stackEntries } from '../readers/image-zip.ts'
import { entriesSha256, locate } from './locate.ts'
import type { Dataset, LoadOptions } from './options.ts'
import { chooseRows } from './rows.ts'
import { type OwnSplit, type Source, type Split, sourceOf } from './sources.ts'

/**
 * Loads `mnist`, `fashion-mnist` (also `fmnist`) or `omniglot` as grey images 28 x 28.
 *
 * Looks in `<dataDir>/<name>/`, then in the cache, then downloads from the official source to the cache, resuming what
 * an earlier run left. The contents are checked against their SHA-256, so the same name and rows are the same bytes
 * everywhere. Omniglot is the two small background sets, inverted so that strokes are bright and resized to
 * 28 x 28; the alphabets both contain count once (4,840 images), a tenth of them, drawn with seed 0, is `test`.
 *
 * `validation` is the last 2,000 of the training images (at most a tenth: 435 of Omniglot, in random order), which
 * `training/` holds out: no shipped model was trained on them. They are in `train` too, which is the official file.
 *
 * Memory: the rows asked for. Cost: a pass over the unzipped files, well under a second for the largest.
 *
 * @throws OodError `E_UNKNOWN_NAME`, `E_NETWORK` when the files are nowhere and cannot be downloaded, `E_CHECKSUM`,
 *   `E_FILE` for a broken file, `E_ARGUMENT` for rows there are not, `E_ABORTED`
 * @example
 * const { images, labels } = await loadDataset('fashion-mnist', { split: 'test', limit: 128, seed: 42 })
 */
export async function loadDataset(name: string, options: LoadOptions = {}): Promise<Dataset> {
  const { canonical, source } = sourceOf(name)
  const split = options.split ?? 'train'
  if (!SPLITS.includes(split)) throw unknownName('split', split, SPLITS)
  const load = source.idx ? loadIdx : loadZips
  return { name: canonical, split, ...(await load(canonical, source, split, options)) }
}

const SPLITS: readonly Split[] = ['train', 'validation', 'test']

/** Validation images: those that `training/` holds out, so that no shipped model was trained on them. */
const VALIDATION = 2000

function own(split: Split): OwnSplit {
  return split === 'validation' ? 'train' : split
}

/** Rows of a split among the `count` images it is taken from: the last 2,000 (at most a tenth) are for validation. */
function membersOf(count: number, split: Split): Int32Array {
  const first = split === 'validation' ? count - Math.min(VALIDATION, Math.floor(count / 10)) : 0
  return Int32Array.from({ length: count - first }, (_, i) => first + i)
}

type Loaded = Omit<Dataset, 'name' | 'split'>

async function loadIdx(name: string, source: Source, split: Split, options: LoadOptions): Promise<Loaded> {
  const files = source.idx![own(split)]
  const imagePath = await locate(name, source, files.images, options)
  const labelPath = await locate(name, source, files.labels, options)
  const shape = await readIdxShape(imagePath)
  if (shape.length !== 3) throw mismatch('E_FILE', imagePath, 'images [N, height, width]', shape)
  const members = membersOf(shape[0]!, split)
  const indices = chooseRows(members.length, options)
  const rows = indices.map((i) => members[i]!)
  const read = (path: string, sha256: string): ReturnType<typeof readIdx> =>
    readIdx(path, {
      rows,
      sha256: options.verify === false ? undefined : sha256,
      signal: options.signal,
    })
  const labels = await read(labelPath, files.labels.sha256)
  const images = await read(imagePath, files.images.sha256)
  options.onProgress?.({ done: rows.length, total: rows.length, label: `${name} ${split}` })
  return {
    images: tensor(Float32Array.from(images.data as Uint8Array), [rows.length, 1, shape[1]!, shape[2]!]),
    labels: Int32Array.from(labels.data as Uint8Array),
    classes: source.classes,
    indices,
  }
}

/** Share of a pool without splits of its own that is held out, and the seed that draws it. */
const TEST_SHARE = 0.1
const TEST_SEED = 0

async function loadZips(name: string, source: Source, split: Split, options: LoadOptions): Promise<Loaded> {
  const pool = new Map<string, ZipEntry>()
  for (const file of source.zips!) {
    const path = await locate(name, source, file, options)
    const entries = await readImageEntries(path, file.maxBytes)
    const digest = options.verify === false ? file.sha256 : entriesSha256(entries)
    if (digest !== file.sha256) throw mismatch('E_CHECKSUM', path, `contents with SHA-256 ${file.sha256}`, digest)
    for (const { name: entry, bytes } of entries) {
      const inside = entry.slice(entry.indexOf('/') + 1)
      pool.set(inside, { name: inside, bytes })
    }
  }
  const entries = [...pool.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const order = permutation(random(TEST_SEED), entries.length)
  const cut = Math.floor(TEST_SHARE * entries.length)
  const pooled = own(split) === 'test' ? order.slice(0, cut) : order.slice(cut)
  // In random order the last ones are drawn from all alphabets.
  const members = membersOf(pooled.length, split)
    .map((i) => pooled[i]!)
    .sort()
  const indices = chooseRows(members.length, options)
  const { images, labels, classes } = await stackEntries(entries, name, {
    mode: 'greyscale',
    size: [28, 28],
    invert: true,
    rows: indices.map((i) => members[i]!),
    signal: options.signal,
    onProgress: options.onProgress,
  })
  return { images, labels, classes, indices }
}
