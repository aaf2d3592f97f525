// Sizes by every codec and log-likelihoods, stored batch by batch in the run folder.

import { type NdArray, type Progress, rowCount, sliceRows } from '@ood/core'
import { type Codec, complexity } from '@ood/llr'
import type { Run } from '@ood/run'
import type { Scorer } from './model.ts'

/** How measuring reports and stops. */
export interface MeasureOptions {
  /** Name of the stored step. */
  name: string
  signal: AbortSignal
  onProgress: (progress: Progress) => void
  /** Images between two stores (default 64); a kill loses at most this many. */
  batch?: number
}

/** Sizes of a set of images. */
export interface Sizes {
  /** Bytes by every codec, [codecs][images]; Infinity where one failed. */
  bytes: Float64Array[]
  /** The smallest, in bits. */
  bits: Float64Array
  /** Index of the codec that made it. */
  winner: Int32Array
}

/** File sizes of every image by every codec, or what an earlier start of the run has stored. */
export async function measureSizes(
  run: Run<unknown>,
  images: NdArray,
  codecs: readonly Codec[],
  { name, signal, onProgress, batch = 64 }: MeasureOptions,
): Promise<Sizes> {
  const n = rowCount(images)
  const stored = await run.batches(
    `${name}/sizes`,
    n,
    batch,
    async (from, to) => {
      const { bits, winner, bytes } = await complexity(sliceRows(images, from, to), { codecs, signal })
      const columns = codecs.map((codec, k) => [codec.name, bytes[k]!] as const)
      return { bits, winner, ...Object.fromEntries(columns) } as { bits: Float64Array; winner: Int32Array }
    },
    {
      key: codecs.map((codec) => codec.name),
      signal,
      onProgress: (at) => onProgress({ ...at, label: `${name} sizes` }),
    },
  )
  const columns = stored as unknown as Record<string, Float64Array>
  return { bits: stored.bits, winner: stored.winner, bytes: codecs.map((codec) => columns[codec.name]!) }
}

/** log p of every image in nats, or what an earlier start of the run has stored. */
export async function measureLogProb(
  run: Run<unknown>,
  images: NdArray,
  scorer: Pick<Scorer, 'key' | 'logProb'>,
  seed: number,
  { name, signal, onProgress, batch = 64 }: MeasureOptions,
): Promise<Float64Array> {
  const { logProb } = await run.batches(
    `${name}/likelihood`,
    rowCount(images),
    batch,
    async (from, to) => {
      const rows = Array.from({ length: to - from }, (_, i) => from + i)
      return { logProb: await scorer.logProb(sliceRows(images, from, to), { seed, rows, signal }) }
    },
    { key: scorer.key, signal, onProgress: (at) => onProgress({ ...at, label: `${name} likelihood` }) },
  )
  return logProb
}
