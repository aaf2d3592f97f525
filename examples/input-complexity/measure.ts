// The image sets of a direction, and what is measured of them: sizes by every codec, and log p.
import type { NdArray } from '@ood/core'
import { type Columns, type Measurement, measurement, vector } from '@ood/detect'
import { type Codec, complexity } from '@ood/llr'
import type { Bench } from '../common/bench.ts'
import { instanceOf, type OpenedLikelihood } from '../common/checkpoints.ts'
import { heldOutImages, type ImageOptions, MOST_HELD_OUT, splitImages } from '../common/images.ts'
import type { DataSet, Direction } from '../common/splits.ts'

/** What one direction looks at: held-out images for thresholds, test images, the other data set's. */
export const setNames = ['in_distr_train', 'in_distr_test', 'ood'] as const
export type SetName = (typeof setNames)[number]

/** What is measured of one set. */
export interface Scored {
  /** Bytes by every codec, [codecs][images]; Infinity where one failed. */
  bytes: Float64Array[]
  /** The smallest, in bits. */
  bits: Float64Array
  /** Index of the codec that made it. */
  winner: Float64Array
  /** log p in nats. */
  logProb: Float64Array
}

/** Which part of which data set a set of a direction is. */
export function sourceOf(
  { inDistribution, ood }: Pick<Direction, 'inDistribution' | 'ood'>,
  set: SetName,
): [DataSet, 'held-out' | 'test'] {
  return [set === 'ood' ? ood : inDistribution, set === 'in_distr_train' ? 'held-out' : 'test']
}

/** Images [n, 1, 28, 28] with values 0..255 of a set. */
export async function loadImages(
  direction: Pick<Direction, 'inDistribution' | 'ood'>,
  set: SetName,
  options: ImageOptions,
  signal?: AbortSignal,
): Promise<NdArray> {
  const [dataSet, part] = sourceOf(direction, set)
  if (part === 'test') return await splitImages(dataSet, part, options, signal)
  return await heldOutImages(dataSet, { ...options, n: Math.min(options.n, MOST_HELD_OUT) }, signal)
}

/** File sizes by every codec: columns `bits`, `winner` and one of bytes for each. */
function sizesBy(codecs: readonly Codec[]): Measurement {
  const names = codecs.map(({ name }) => name)
  const measure = async (images: NdArray, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<Columns> => {
    const { bits, winner, bytes } = await complexity(images, { codecs, signal })
    return { bits, winner: Float64Array.from(winner), ...Object.fromEntries(names.map((name, k) => [name, bytes[k]!])) }
  }
  return measurement('sizes', [], { codecs: names }, ['bits', 'winner', ...names], measure)
}

/** Measures one set. Sizes go by data set, since the test images of one direction are the other's OOD images. */
export async function measure(
  bench: Bench,
  { direction, set, images, model }: { direction: Direction; set: SetName; images: NdArray; model: LogProbModel },
  codecs: readonly Codec[],
  batch = 64,
): Promise<Scored> {
  const sizes = await bench.columns({ size: sizesBy(codecs) }, sourceOf(direction, set).join('/'), images, batch)
  const likelihood = { model: instanceOf(model) }
  const logProb = await bench.columns(likelihood, `${direction.checkpoint}/${set}`, images, batch)
  return {
    bytes: codecs.map(({ name }) => vector(sizes, `size.${name}`)),
    bits: vector(sizes, 'size.bits'),
    winner: vector(sizes, 'size.winner'),
    logProb: vector(logProb, 'model.logProb'),
  }
}

/** All that is asked of a model. */
export type LogProbModel = Pick<OpenedLikelihood, 'manifest' | 'logProb'>
