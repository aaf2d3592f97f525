// Loads a data set by name: from a folder, the cache, or its official source.
import { mismatch, permutation, random, tensor, unknownName } from '@ood/core'
import type { ZipEntry } from '../internal/zip.ts'
import { readIdx, readIdxShape } from '../readers/idx.ts'
import { readImageEntries, stackEntries } from '../readers/image-zip.ts'
import { entriesSha256, locate } from './locate.ts'
import type { Dataset, LoadOptions } from './options.ts'
import { chooseRows } from './rows.ts'
import { type Source, type Split, sourceOf } from './sources.ts'

/**
 * Loads `mnist`, `fashion-mnist` (also `fmnist`) or `omniglot` as grey images 28 x 28.
 *
 * Looks in `<dataDir>/<name>/`, then in the cache, then downloads from the official source to the cache, resuming what
 * an earlier run left. The contents are checked against their SHA-256, so the same name and rows are the same bytes
 * everywhere. Omniglot is the two small background sets, inverted so that strokes are bright and resized to 28 x 28
 * (spec dgm 3.1); the alphabets both contain count once (4,840 images), a tenth of them, drawn with seed 0, is `test`.
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
  if (split !== 'train' && split !== 'test') throw unknownName('split', split, ['train', 'test'])
  const load = source.idx ? loadIdx : loadZips
  return { name: canonical, split, ...(await load(canonical, source, split, options)) }
}

type Loaded = Omit<Dataset, 'name' | 'split'>

async function loadIdx(name: string, source: Source, split: Split, options: LoadOptions): Promise<Loaded> {
  const files = source.idx![split]
  const imagePath = await locate(name, source, files.images, options)
  const labelPath = await locate(name, source, files.labels, options)
  const shape = await readIdxShape(imagePath)
  if (shape.length !== 3) throw mismatch('E_FILE', imagePath, 'images [N, height, width]', shape)
  const rows = chooseRows(shape[0]!, options)
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
    indices: rows,
  }
}

/** Share of a pool without splits of its own that is held out, and the seed that draws it (spec dgm 3.1). */
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
  const members = (split === 'test' ? order.slice(0, cut) : order.slice(cut)).sort()
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
