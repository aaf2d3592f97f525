// The image sets of one direction: two that choices may look at, and two that are only scored.
import { type NdArray, permutation, random } from '@ood/core'
import { loadDataset, loadSample } from '@ood/datasets'
import type { CommonOptions } from '../common/options.ts'
import type { DataSet, Direction } from '../common/splits.ts'

/** Sets that choices may look at: in-distribution images, and some of the other data set's training images. */
export const choiceSets = ['in_distr_train', 'ood_train'] as const
/** Sets that are scored and nothing else. */
export const testSets = ['in_distr_test', 'ood'] as const
export const setNames = [...choiceSets, ...testSets] as const
export type ChoiceSet = (typeof choiceSets)[number]
export type SetName = (typeof setNames)[number]

/** Images of each half of the contaminated batch: 500 in all, as the notebook has it. */
export const CONTAMINATED_HALF = 250

/** In-distribution images for choices at most: enough for a 5 % quantile to within 0.7 %. */
const CLEAN = 1000

/** Last rows of a training file, which the recipes of the shipped models keep for validation. */
const VALIDATION = 2000

/** How many images a set of `n` test images gets. */
export function setSizes(n: number): Record<SetName, number> {
  return {
    in_distr_train: Math.min(n, CLEAN),
    ood_train: Math.min(n, CONTAMINATED_HALF),
    in_distr_test: n,
    ood: n,
  }
}

/**
 * Images [n, 1, 28, 28] with values 0..255 by set. With a data folder, the in-distribution images for choices are
 * validation images; the packaged samples have none, there they are training images.
 */
export async function loadImages(
  direction: Pick<Direction, 'inDistribution' | 'ood'>,
  options: Pick<CommonOptions, 'n' | 'seed' | 'dataDir'>,
  signal?: AbortSignal,
): Promise<Record<SetName, NdArray>> {
  const { n, seed, dataDir } = options
  const size = setSizes(n)
  const load = async (name: DataSet, split: 'train' | 'test', limit: number): Promise<NdArray> => {
    if (!dataDir) return (await loadSample(name, split, { limit })).images
    const call = { split, dataDir, signal }
    if (split === 'test') return (await loadDataset(name, { ...call, limit, seed })).images
    const indices = permutation(random(seed).fork(name), VALIDATION).slice(0, limit)
    return (await loadDataset(name, { ...call, split: 'validation', indices })).images
  }
  const { inDistribution: inside, ood: outside } = direction
  return {
    in_distr_train: await load(inside, 'train', size.in_distr_train),
    ood_train: await load(outside, 'train', size.ood_train),
    in_distr_test: await load(inside, 'test', size.in_distr_test),
    ood: await load(outside, 'test', size.ood),
  }
}
