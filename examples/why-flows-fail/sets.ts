// The sets that every flow of images scores, and the table of tumours.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { flatData, type NdArray, tensor } from '@ood/core'
import { type GeneratedName, generatedSet, loadDataset, readCsv } from '@ood/datasets'
import type { CommonOptions } from '../common/command-line.ts'
import { splitImages } from '../common/images.ts'
import type { TableName } from './models.ts'

/** A set of images. */
export interface ImageSet {
  name: string
  label: string
  images: NdArray
}

/** In distribution. */
export const INSIDE = 'fashion-mnist'
/** What the negative flow was trained against. */
export const TRAINED_AGAINST = 'mnist'

const made = {
  'upside-down': 'upside down',
  'patch-shuffle': '16 patches',
  inverted: 'inverted',
  constant: 'constant',
} as const satisfies Partial<Record<GeneratedName, string>>

/** Test images of both data sets, sets made of the first, and Omniglot where the data folder has it. */
export async function imageSets(options: CommonOptions, signal: AbortSignal): Promise<ImageSet[]> {
  const { n: limit, seed, dataDir } = options
  const load = (name: 'fashion-mnist' | 'mnist', split: 'train' | 'test') => splitImages(name, split, options, signal)
  const inside = await load(INSIDE, 'test')
  const sets: ImageSet[] = [
    { name: 'train', label: 'Fashion-MNIST, training', images: await load(INSIDE, 'train') },
    { name: INSIDE, label: 'Fashion-MNIST, test', images: inside },
    { name: TRAINED_AGAINST, label: 'MNIST', images: await load(TRAINED_AGAINST, 'test') },
  ]
  if (dataDir !== undefined && existsSync(join(dataDir, 'omniglot'))) {
    const { images } = await loadDataset('omniglot', { dataDir, signal, split: 'train', limit, seed })
    sets.push({ name: 'omniglot', label: 'Omniglot', images })
  }
  for (const [name, label] of Object.entries(made))
    sets.push({ name, label, images: generatedSet(name as GeneratedName, inside, { seed }) })
  return sets
}

/** The set that the negative flow is tried on and was not trained against: Omniglot, or clothes upside down. */
export function otherSet(names: readonly string[]): string {
  return names.includes('omniglot') ? 'omniglot' : 'upside-down'
}

/**
 * Test rows of the Wisconsin diagnostic breast cancer table, 30 measurements each (Wolberg, Mangasarian, Street and Street
 * 1993, UCI Machine Learning Repository, CC BY 4.0): a quarter of each class, which the shipped flows have not seen.
 */
export async function tumours(): Promise<Record<TableName, NdArray>> {
  const { data } = await readCsv(fileURLToPath(new URL('breast-cancer-test.csv', import.meta.url)))
  const [rows, width] = data.shape as [number, number]
  const values = flatData(data)
  const ofClass = (label: number): NdArray => {
    const of = Array.from({ length: rows }, (_, i) => i).filter((i) => values[i * width] === label)
    const flat = of.flatMap((i) => Array.from(values.subarray(i * width + 1, (i + 1) * width)))
    return tensor(Float32Array.from(flat), [of.length, width - 1])
  }
  return { malignant: ofClass(0), benign: ofClass(1) }
}
