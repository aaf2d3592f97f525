// The 512 + 512 images of each data set that travel inside this package.
import { fileURLToPath } from 'node:url'
import { type CallOptions, tensor, unknownName } from '@ood/core'
import { fileError } from '@ood/core/node'
import { readJson } from '../internal/files.ts'
import { readIdx } from '../readers/idx.ts'
import type { Dataset } from '../registry/options.ts'
import { chooseRows } from '../registry/rows.ts'
import { type OwnSplit, sourceOf } from '../registry/sources.ts'

/** Which of the 512 images to load. */
export interface SampleOptions extends Pick<CallOptions, 'seed'> {
  /** At most this many, a random subset fixed by `seed` (default 0); a smaller one begins a larger one. */
  limit?: number | undefined
  /** These rows of the sample (0..511) instead, in this order. */
  indices?: ArrayLike<number> | undefined
}

/** One entry of sample-data/index.json. */
interface Sample {
  dataset: string
  split: OwnSplit
  images: { file: string; sha256: string }
  labels: { file: string; sha256: string }
  indices: number[]
}

/** src/sample and dist/sample lie equally deep, so one address serves the source and the installed package. */
const folder = new URL('../../sample-data/', import.meta.url)

/**
 * Loads the images inside this package: 512 of `mnist` or `fashion-mnist` that the shipped checkpoints were trained on
 * (`train`) or 512 they never saw (`test`). Fashion-MNIST's test images are from its test split; MNIST's are rows of
 * the training file that every MNIST training run leaves out. `indices` of the result are rows of the official file
 * that `sample-data/index.json` names; licences are in `sample-data/LICENSES.md`.
 *
 * @throws OodError `E_UNKNOWN_NAME`; `E_FILE` or `E_CHECKSUM` when the installed package is damaged
 * @example
 * const { images } = await loadSample('mnist', 'test', { limit: 64 }) // [64, 1, 28, 28], values 0..255
 */
export async function loadSample(name: string, split: OwnSplit, options: SampleOptions = {}): Promise<Dataset> {
  const samples = await readIndex()
  const { canonical, source } = sourceOf(name)
  const sample = samples.find((entry) => entry.dataset === canonical && entry.split === split)
  if (!sample) {
    const known = samples.map((entry) => `${entry.dataset} ${entry.split}`)
    throw unknownName('sample', `${name} ${split}`, known)
  }
  const rows = chooseRows(sample.indices.length, options)
  const read = async ({ file, sha256 }: { file: string; sha256: string }): Promise<Uint8Array> =>
    (await readIdx(fileURLToPath(new URL(file, folder)), { rows, sha256 })).data as Uint8Array
  return {
    name: canonical,
    split,
    images: tensor(Float32Array.from(await read(sample.images)), [rows.length, 1, 28, 28]),
    labels: Int32Array.from(await read(sample.labels)),
    classes: source.classes,
    indices: rows.map((row) => sample.indices[row]!),
  }
}

async function readIndex(): Promise<Sample[]> {
  const path = fileURLToPath(new URL('index.json', folder))
  const index = await readJson(path, 2 ** 20, 'the index of the sample data')
  const samples = (index as { samples?: Sample[] } | null)?.samples
  if (!Array.isArray(samples)) throw fileError(path, 'the index of the sample data', index)
  return samples
}
