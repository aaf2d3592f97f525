// Images of a data set: the official files, or the packaged samples; the four splits of a direction.
import { type NdArray, permutation, random } from '@ood/core'
import { loadDataset, loadSample } from '@ood/datasets'
import type { CommonOptions } from './command-line.ts'
import type { DataSet, Direction, SplitName } from './splits.ts'

/** Where images come from. */
export type ImageOptions = Pick<CommonOptions, 'n' | 'seed' | 'dataDir'>

/** In-distribution images for choices at most: enough for a 5 % quantile to within 0.7 %. */
export const MOST_HELD_OUT = 1000

/** Last rows of a training file, which the recipes of the shipped models keep for validation. */
const VALIDATION = 2000

/**
 * Images [n, 1, 28, 28] with values 0..255 for choices, of which no score is reported. With a data folder they are
 * validation images; the packaged samples have none, there they are training images.
 */
export async function heldOutImages(
  name: DataSet,
  { n, seed, dataDir }: ImageOptions,
  signal?: AbortSignal,
): Promise<NdArray> {
  if (!dataDir) return (await loadSample(name, 'train', { limit: n })).images
  const indices = permutation(random(seed).fork(name), VALIDATION).slice(0, n)
  return (await loadDataset(name, { dataDir, signal, split: 'validation', indices })).images
}

/** Images [n, 1, 28, 28] with values 0..255 of an official split. */
export async function splitImages(
  name: DataSet,
  split: 'train' | 'test',
  { n: limit, seed, dataDir }: ImageOptions,
  signal?: AbortSignal,
): Promise<NdArray> {
  if (!dataDir) return (await loadSample(name, split, { limit })).images
  return (await loadDataset(name, { dataDir, signal, split, limit, seed })).images
}

/** The four splits of a direction; `sample` draws from the model. */
export async function loadSplits(
  { inDistribution, ood }: Direction,
  sample: (n: number) => Promise<NdArray>,
  options: ImageOptions,
  signal: AbortSignal,
): Promise<Record<SplitName, NdArray>> {
  return {
    in_distr_train: await splitImages(inDistribution, 'train', options, signal),
    in_distr_test: await splitImages(inDistribution, 'test', options, signal),
    ood: await splitImages(ood, 'test', options, signal),
    generated: await sample(options.n),
  }
}
