// Scores the four splits of one direction: log-likelihoods and LID artifacts, stored batch by batch in the run folder.

import { type NdArray, type Progress, rowCount, sliceRows } from '@ood/core'
import type { Columns } from '@ood/detect'
import type { FlowArtifact } from '@ood/lid'
import type { Flow } from '@ood/models-flow'
import type { Run } from '@ood/run'
import { type SplitName, splitNames } from '../common/splits.ts'
import { measureStatistics } from './recommended.ts'

/** What is measured on one split, one row per image. */
export interface Measured {
  /** Bytes as numbers, [n, 1, 28, 28]. */
  images: NdArray
  /** log p in the model's (logit) space, as the reference reports it. */
  logProb: Float64Array
  bitsPerDim: Float64Array
  artifact: FlowArtifact
  /** What the recommended detector looks at beside the artifact. */
  statistics: Columns
}

/** Images whose Jacobians are computed between two stores; a kill loses at most this many. */
const BATCH = 8

/** What `measure` works on and reports to. */
export interface MeasureOptions {
  /** Name of the direction: prefix of the stored steps. */
  name: string
  flow: Flow
  /** Images [n, C, H, W], values 0..255, per split. */
  images: Record<SplitName, NdArray>
  seed: number
  signal: AbortSignal
  onProgress: (progress: Progress) => void
}

/**
 * Measures every split of a direction, or loads what an earlier start of the run has stored.
 *
 * Dequantisation noise depends on the seed and the row of its split only, and each Jacobian on its own latent only, so a
 * resumed run computes the same numbers as an undisturbed one.
 */
export async function measure(run: Run<unknown>, options: MeasureOptions): Promise<Record<SplitName, Measured>> {
  const { name, flow, images, seed, signal, onProgress } = options
  const key = flow.manifest.sha256
  const measured: Partial<Record<SplitName, Measured>> = {}
  for (const split of splitNames) {
    const rows = images[split]
    const scored = await run.step(
      `${name}/${split}/likelihood`,
      async () => {
        const { instance } = await flow.logProb(rows, { space: 'model', seed, signal })
        const bitsPerDim = await flow.bitsPerDim(rows, { seed, signal })
        return { logProb: instance, bitsPerDim, latents: await flow.encode(rows, { seed, signal }) }
      },
      { key },
    )
    const artifact = await run.batches(
      `${name}/${split}/lid`,
      rowCount(rows),
      BATCH,
      async (from, to) => ({
        ...(await flow.decoder.tridiagonalMetric(sliceRows(scored.latents, from, to), { signal })),
      }),
      { key, signal, onProgress: ({ done, total }) => onProgress({ done, total, label: `${name} ${split}` }) },
    )
    const statistics = await run.step(
      `${name}/${split}/statistics`,
      () => measureStatistics(flow, rows, { seed, signal }),
      { key },
    )
    const { logProb, bitsPerDim } = scored
    measured[split] = { images: rows, logProb, bitsPerDim, artifact, statistics }
  }
  return measured as Record<SplitName, Measured>
}
