// Images for choices that no score is reported of, and the test images: the official files, or the packaged samples.
import { type NdArray, permutation, random } from '@ood/core'
import { loadDataset, loadSample } from '@ood/datasets'
import type { CommonOptions } from './command-line.ts'
import type { DataSet } from './splits.ts'

type DataOptions = Pick<CommonOptions, 'n' | 'seed' | 'dataDir'>

/** In-distribution images for choices at most: enough for a 5 % quantile to within 0.7 %. */
export const MOST_HELD_OUT = 1000

/** Last rows of a training file, which the recipes of the shipped models keep for validation. */
const VALIDATION = 2000

/**
 * Images [limit, 1, 28, 28] with values 0..255 for choices. With a data folder they are validation images; the packaged
 * samples have none, there they are training images.
 */
export async function heldOutImages(
  name: DataSet,
  limit: number,
  { seed, dataDir }: DataOptions,
  signal?: AbortSignal,
): Promise<NdArray> {
  if (!dataDir) return (await loadSample(name, 'train', { limit })).images
  const indices = permutation(random(seed).fork(name), VALIDATION).slice(0, limit)
  return (await loadDataset(name, { dataDir, signal, split: 'validation', indices })).images
}

/** Test images [n, 1, 28, 28] with values 0..255. */
export async function testImages(
  name: DataSet,
  { n: limit, seed, dataDir }: DataOptions,
  signal?: AbortSignal,
): Promise<NdArray> {
  if (!dataDir) return (await loadSample(name, 'test', { limit })).images
  return (await loadDataset(name, { dataDir, signal, split: 'test', limit, seed })).images
}
