// Scores the sets of one direction under both models, stored batch by batch in the run folder; pixel maps of a few images.

import { flatData, type LogProb, type NdArray, type Progress, rowCount, sliceRows, tensor } from '@ood/core'
import { complexity, openCodecs } from '@ood/llr'
import type { Run } from '@ood/run'
import { type SetName, setNames, testSets } from './images.ts'
import type { Pair } from './pair.ts'

/** What is measured on one set, one number an image. */
export interface Measured {
  /** log p under the semantic model, in nats. */
  semantic: Float64Array
  /** log p under the background model, with the same noise where there is any. */
  background: Float64Array
  /** Size of the smallest lossless file, in bits. */
  complexity: Float64Array
}

/** Log-probabilities of every pixel of a few images, [n, H, W]; only models that have them. */
export interface Maps {
  images: NdArray
  semantic: NdArray
  background: NdArray
}

/** Images between two stores; a kill loses at most this many. A multiple of what any number of workers takes at once. */
const BATCH = 64

/** Images of each test set that get a map. */
export const MAPPED = 5

/** What is measured and how. */
export interface MeasureOptions {
  /** Name of the direction: prefix of the stored steps. */
  name: string
  pair: Pick<Pair, 'semantic' | 'background'>
  images: Record<SetName, NdArray>
  seed: number
  signal: AbortSignal
  onProgress: (progress: Progress) => void
  /** Images between two stores (default 64). */
  batch?: number
}

/**
 * Measures every set, or loads what an earlier start of the run has stored. Log-probabilities of an image depend on the
 * seed and its row only, not on the batch, so a resumed run ends with the same numbers.
 */
export async function measure(run: Run<unknown>, options: MeasureOptions): Promise<Record<SetName, Measured>> {
  const { name, pair, images, signal, onProgress, batch = BATCH } = options
  const codecs = await openCodecs(['png'])
  const measured: Partial<Record<SetName, Measured>> = {}
  for (const set of setNames) {
    const x = images[set]
    const report = (part: string) => (at: Progress) => onProgress({ ...at, label: `${name} ${set} ${part}` })
    const { semantic, background } = await run.batches(
      `${name}/${set}/likelihood`,
      rowCount(x),
      batch,
      async (from, to) => {
        const both = await logProbs(options, x, from, to)
        return { semantic: both.semantic.instance, background: both.background.instance }
      },
      { key: keyOf(pair), signal, onProgress: report('likelihood') },
    )
    const sizes = await run.batches(
      `${name}/${set}/complexity`,
      rowCount(x),
      16 * batch,
      async (from, to) => ({ bits: (await complexity(sliceRows(x, from, to), { codecs, signal })).bits }),
      { signal, onProgress: report('complexity') },
    )
    measured[set] = { semantic, background, complexity: sizes.bits }
  }
  return measured as Record<SetName, Measured>
}

/** Pixel maps of the first images of both test sets; undefined for models without them. */
export async function measureMaps(
  run: Run<unknown>,
  options: Omit<MeasureOptions, 'onProgress'>,
): Promise<Record<(typeof testSets)[number], Maps> | undefined> {
  const { name, pair, images } = options
  const maps: Partial<Record<SetName, Maps>> = {}
  for (const set of testSets) {
    const count = Math.min(MAPPED, rowCount(images[set]))
    const found = await run.step(
      `${name}/${set}/maps`,
      async () => {
        const { semantic, background } = await logProbs(options, images[set], 0, count)
        const [s, b] = [semantic.feature, background.feature]
        return s && b ? { semantic: copy(s), background: copy(b) } : null
      },
      { key: keyOf(pair) },
    )
    if (!found) return undefined
    maps[set] = { images: sliceRows(images[set], 0, count), ...found }
  }
  return maps as Record<(typeof testSets)[number], Maps>
}

async function logProbs(
  { pair, seed, signal }: Pick<MeasureOptions, 'pair' | 'seed' | 'signal'>,
  x: NdArray,
  from: number,
  to: number,
): Promise<{ semantic: LogProb; background: LogProb }> {
  // `rows` gives an image its noise by its place in the set, for likelihoods that have noise; both models get the same.
  const call = { seed, signal, rows: Array.from({ length: to - from }, (_, i) => from + i) }
  const images = sliceRows(x, from, to)
  return {
    semantic: await pair.semantic.logProb(images, call),
    background: await pair.background.logProb(images, call),
  }
}

function keyOf({ semantic, background }: Pair): unknown {
  return [semantic.manifest.sha256, background.manifest.sha256]
}

function copy(map: NdArray): NdArray {
  return tensor(flatData(map).slice(), map.shape)
}

/** Seconds that scoring a direction took, over all starts of the run: the journal has the time of every batch. */
export function measuredSeconds(run: Run<unknown>, name: string): number {
  const times = new Map<string, number>()
  for (const { type, name: batch, ms } of run.events)
    if (type === 'batch' && typeof batch === 'string' && typeof ms === 'number')
      if (batch.startsWith(`${name}/`) && batch.includes('/likelihood ')) times.set(batch, ms)
  return [...times.values()].reduce((sum, ms) => sum + ms, 0) / 1000
}
