// The images of one direction: training and test images of the model's data set, another data set, and samples.
import type { NdArray } from '@ood/core'
import { loadDataset, loadSample } from '@ood/datasets'
import type { Flow } from '@ood/models-flow'
import type { Options } from './options.ts'

/** The four monitored splits, with the names the reference gives their result folders. */
export const splitNames = ['in_distr_train', 'in_distr_test', 'ood', 'generated'] as const
export type SplitName = (typeof splitNames)[number]

/** A flow, the data set it was trained on, and one that it was not. */
export interface Direction {
  key: 'fmnist->mnist' | 'mnist->fmnist'
  title: string
  checkpoint: string
  inDistribution: 'fashion-mnist' | 'mnist'
  ood: 'fashion-mnist' | 'mnist'
}

export const directions: readonly Direction[] = [
  {
    key: 'fmnist->mnist',
    title: 'trained on Fashion-MNIST, tested against MNIST',
    checkpoint: 'flow-fmnist',
    inDistribution: 'fashion-mnist',
    ood: 'mnist',
  },
  {
    key: 'mnist->fmnist',
    title: 'trained on MNIST, tested against Fashion-MNIST',
    checkpoint: 'flow-mnist',
    inDistribution: 'mnist',
    ood: 'fashion-mnist',
  },
]

/** Images [n, 1, 28, 28] with values 0..255, per split. */
export async function loadSplits(
  direction: Direction,
  flow: Flow,
  options: Options,
  signal: AbortSignal,
): Promise<Record<SplitName, NdArray>> {
  const { n, seed, dataDir } = options
  const load = async (name: Direction['ood'], split: 'train' | 'test'): Promise<NdArray> => {
    const { images } = dataDir
      ? await loadDataset(name, { split, dataDir, limit: n, seed, signal })
      : await loadSample(name, split, { limit: n })
    return images
  }
  return {
    in_distr_train: await load(direction.inDistribution, 'train'),
    in_distr_test: await load(direction.inDistribution, 'test'),
    ood: await load(direction.ood, 'test'),
    generated: await flow.sample(n, { seed, signal }),
  }
}
