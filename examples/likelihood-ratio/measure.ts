// The image sets of one direction, and what is measured of them: log p under both models, PNG sizes, maps of a few images.
import { type NdArray, rowCount, sliceRows } from '@ood/core'
import { array, describedBy, logProbOf, type Needs, vector } from '@ood/detect'
import { codeLength } from '@ood/llr'
import type { Bench } from '../common/bench.ts'
import { checkpointIn, instanceOf, type OpenedLikelihood, openLikelihood } from '../common/checkpoints.ts'
import { heldOutImages, type ImageOptions, MOST_HELD_OUT, splitImages } from '../common/images.ts'
import { type Direction, eachName } from '../common/splits.ts'

/** Sets that choices may look at: in-distribution images, and some of the other data set's training images. */
export const choiceSets = ['in_distr_train', 'ood_train'] as const
/** Sets that are scored and nothing else. */
export const testSets = ['in_distr_test', 'ood'] as const
export const setNames = [...choiceSets, ...testSets] as const
export type ChoiceSet = (typeof choiceSets)[number]
export type TestSet = (typeof testSets)[number]
export type SetName = (typeof setNames)[number]

/** Images of each half of the contaminated batch: 500 in all, as the notebook has it. */
export const CONTAMINATED_HALF = 250

/** Two models of one data set, the second of its background. */
export type Pair = Record<'semantic' | 'background', OpenedLikelihood>

/** What is measured on one set, one number an image. */
export interface Measured {
  /** log p under the semantic model, in nats. */
  semantic: Float64Array
  /** log p under the background model, with the same noise where there is any. */
  background: Float64Array
  /** Size of the smallest lossless file, in bits. */
  complexity: Float64Array
}

/** Log-probabilities of every pixel of a few images. */
export type Maps = Record<'images' | 'semantic' | 'background', NdArray>

/** Images of each test set that get a map. */
const MAPPED = 5

/** Names of a pair's checkpoints end in these. */
export const pairEndings = ['', '-background'] as const

/** Opens both models of a direction, calls `use` and releases them. */
export async function withPair<T>(
  name: string,
  folder: string | undefined,
  workers: number | undefined,
  use: (pair: Pair) => Promise<T>,
): Promise<T> {
  const [first, second] = pairEndings.map((ending) => checkpointIn(folder, name + ending))
  const semantic = await openLikelihood(first!, workers)
  try {
    const background = await openLikelihood(second!, workers)
    try {
      // Models of different data are refused before anything is measured.
      describedBy([semantic, background])
      return await use({ semantic, background })
    } finally {
      await background.release()
    }
  } finally {
    await semantic.release()
  }
}

/** Images [n, 1, 28, 28] with values 0..255 by set. */
export async function loadImages(
  { inDistribution: inside, ood: outside }: Pick<Direction, 'inDistribution' | 'ood'>,
  options: ImageOptions,
  signal?: AbortSignal,
): Promise<Record<SetName, NdArray>> {
  const atMost = (most: number) => ({ ...options, n: Math.min(options.n, most) })
  return {
    in_distr_train: await heldOutImages(inside, atMost(MOST_HELD_OUT), signal),
    ood_train: await heldOutImages(outside, atMost(CONTAMINATED_HALF), signal),
    in_distr_test: await splitImages(inside, 'test', options, signal),
    ood: await splitImages(outside, 'test', options, signal),
  }
}

/** log p under both models: one sweep of each, with the same seed and the same noise. */
export function likelihoodsOf({ semantic, background }: Pair): Needs {
  return { semantic: instanceOf(semantic), background: instanceOf(background) }
}

/** Measures every set; a batch is a multiple of what any number of workers takes at once. */
export async function measure(
  bench: Bench,
  name: string,
  pair: Pair,
  images: Record<SetName, NdArray>,
  batch = 64,
): Promise<Record<SetName, Measured>> {
  const needs = { ...likelihoodsOf(pair), code: codeLength() }
  return await eachName(setNames, async (set) => {
    const columns = await bench.columns(needs, `${name}/${set}`, images[set], batch)
    const [semantic, background] = [vector(columns, 'semantic.logProb'), vector(columns, 'background.logProb')]
    return { semantic, background, complexity: vector(columns, 'code.bits') }
  })
}

/** Pixel maps of the first images of both test sets; undefined for models without them. */
export async function measureMaps(
  bench: Bench,
  name: string,
  pair: Pair,
  images: Record<SetName, NdArray>,
): Promise<Record<TestSet, Maps> | undefined> {
  const needs = { semantic: logProbOf(pair.semantic), background: logProbOf(pair.background) }
  const maps = await eachName(testSets, async (set): Promise<Maps | undefined> => {
    const few = sliceRows(images[set], 0, Math.min(MAPPED, rowCount(images[set])))
    const columns = await bench.columns(needs, `${name}/${set}/maps`, few)
    if (!columns['semantic.feature'] || !columns['background.feature']) return undefined
    return {
      images: few,
      semantic: array(columns, 'semantic.feature'),
      background: array(columns, 'background.feature'),
    }
  })
  return maps.in_distr_test && maps.ood ? { in_distr_test: maps.in_distr_test, ood: maps.ood } : undefined
}
