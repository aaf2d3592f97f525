// The images of one side of the league: training, held-out, and OOD sets split into validation and report.
import { type NdArray, permutation, random } from '@ood/core'
import { generatedNames, generatedSet, loadDataset, readImageFolder } from '@ood/datasets'

/** A side of the league: what the models were trained on, and the data set that only a report run looks at. */
export interface Side {
  key: 'fmnist' | 'mnist'
  dataset: 'fashion-mnist' | 'mnist'
  other: 'fashion-mnist' | 'mnist'
}

export const sides: readonly Side[] = [
  { key: 'fmnist', dataset: 'fashion-mnist', other: 'mnist' },
  { key: 'mnist', dataset: 'mnist', other: 'fashion-mnist' },
]

/** Images of one side. */
export interface LeagueImages {
  /** Drawn from the training images: the only ones that fitting sees. */
  train: NdArray
  /** In-distribution images that no model was trained on: the last 2,000 training rows, which every training run held out. */
  heldOut: NdArray
  /** OOD sets that choices may look at. */
  validation: Record<string, NdArray>
  /** Test images, and OOD sets that no choice may look at; only with `report`. */
  report?: { test: NdArray; ood: Record<string, NdArray> }
}

/** Rows at the end of the training file that every training run held out. */
const HELD_OUT = 2000
const TRAINING_ROWS = 60_000

/** What to load. */
export interface LeagueOptions {
  dataDir: string
  /** Folder of CIFAR-10 pictures; the set is left out without it. */
  cifar?: string | undefined
  /** Training images for fitting. */
  fit: number
  /** Images of every other set. */
  n: number
  seed: number
  /** Report sets by name: `name=folder`; the other data set is always one. Without `report` none is loaded. */
  report?: Readonly<Record<string, string>> | undefined
}

/** Loads one side. */
export async function loadLeague({ dataset, other }: Side, options: LeagueOptions): Promise<LeagueImages> {
  const { dataDir, cifar, fit, n, seed } = options
  const rows = async (name: string, indices: Int32Array): Promise<NdArray> =>
    (await loadDataset(name, { split: 'train', dataDir, indices })).images
  const draw = (label: string, from: number, count: number, take: number): Int32Array =>
    permutation(random(seed).fork(label), count)
      .slice(0, take)
      .map((row) => from + row)
  const train = await rows(dataset, draw('train', 0, TRAINING_ROWS - HELD_OUT, fit))
  const held = draw('held out', TRAINING_ROWS - HELD_OUT, HELD_OUT, Math.min(HELD_OUT, 2 * n))
  const heldOut = await rows(dataset, held.slice(0, n))
  // Generated sets are made of other held-out images than those they are compared with.
  const base = await rows(dataset, held.slice(-n))
  const grey = { mode: 'greyscale' as const, size: [28, 28] as const }
  const validation: Record<string, NdArray> = {
    omniglot: (await loadDataset('omniglot', { split: 'test', dataDir, limit: Math.min(n, 484), seed })).images,
  }
  if (cifar)
    validation['cifar-10-grey'] = (await readImageFolder(cifar, { ...grey, rows: draw('cifar', 0, 10_000, n) })).images
  for (const name of generatedNames) validation[name] = generatedSet(name, base, { seed })
  if (!options.report) return { train, heldOut, validation }
  const test = async (name: string): Promise<NdArray> =>
    (await loadDataset(name, { split: 'test', dataDir, limit: n, seed })).images
  const ood: Record<string, NdArray> = { [other]: await test(other) }
  for (const [name, folder] of Object.entries(options.report))
    ood[name] = (await readImageFolder(folder, { ...grey })).images
  return { train, heldOut, validation, report: { test: await test(dataset), ood } }
}
