// The image sets: held-out images of each data set for thresholds, and its test images, loaded once for both directions.
import { type NdArray, permutation, random } from '@ood/core'
import { loadDataset, loadSample } from '@ood/datasets'
import type { CommonOptions } from '../common/options.ts'
import type { DataSet, Direction } from '../common/splits.ts'

/** Parts of a data set that are used. */
export const parts = ['calibration', 'test'] as const
export type Part = (typeof parts)[number]

/** What one direction looks at. */
export const setNames = ['in_distr_train', 'in_distr_test', 'ood'] as const
export type SetName = (typeof setNames)[number]

/** Which part of which data set a set of a direction is. */
export function sourceOf(direction: Pick<Direction, 'inDistribution' | 'ood'>, set: SetName): [DataSet, Part] {
  if (set === 'in_distr_train') return [direction.inDistribution, 'calibration']
  return [set === 'ood' ? direction.ood : direction.inDistribution, 'test']
}

/** Images for a threshold at most: enough for a 5 % quantile to within 0.7 %. */
const CALIBRATION = 1000

/** The last rows of a training file, which the recipes of the shipped models keep for validation. */
const VALIDATION = 2000

/**
 * Images [n, 1, 28, 28] with values 0..255. With a data folder, calibration images are validation images of the training
 * file; the packaged samples have none, there they are training images.
 */
export async function loadImages(
  name: DataSet,
  part: Part,
  { n, seed, dataDir }: Pick<CommonOptions, 'n' | 'seed' | 'dataDir'>,
  signal?: AbortSignal,
): Promise<NdArray> {
  const limit = part === 'calibration' ? Math.min(n, CALIBRATION) : n
  if (!dataDir) return (await loadSample(name, part === 'test' ? 'test' : 'train', { limit })).images
  const call = { dataDir, signal }
  if (part === 'test') return (await loadDataset(name, { ...call, split: 'test', limit, seed })).images
  const first = 60_000 - VALIDATION
  const rows = permutation(random(seed).fork(name), VALIDATION).slice(0, limit)
  return (await loadDataset(name, { ...call, split: 'train', indices: rows.map((row) => first + row) })).images
}
