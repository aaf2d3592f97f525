// Scores the four splits of one direction: log-likelihoods and LID artifacts, stored batch by batch in the run folder.
import type { Run } from '@ood/cli'
import { type NdArray, type Progress, sliceRows } from '@ood/core'
import type { FlowArtifact } from '@ood/lid'
import type { Flow } from '@ood/models-flow'
import type { Options } from './options.ts'
import { type Direction, loadSplits, type SplitName, splitNames } from './splits.ts'

/** What is measured on one split, one row per image. */
export interface Measured {
  /** Bytes as numbers, [n, 1, 28, 28]. */
  images: NdArray
  /** log p in the model's (logit) space, as the reference reports it. */
  logProb: Float64Array
  bitsPerDim: Float64Array
  artifact: FlowArtifact
}

/** Images whose Jacobians are computed between two stores; a kill loses at most this many. */
const BATCH = 8

/**
 * Measures every split of a direction, or loads what an earlier start of the run has stored.
 *
 * Dequantisation noise depends on the seed and the row of its split only, and each Jacobian on its own latent only, so a
 * resumed run computes the same numbers as an undisturbed one.
 */
export async function measure(
  run: Run<unknown>,
  direction: Direction,
  flow: Flow,
  options: Options,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<Record<SplitName, Measured>> {
  const key = flow.manifest.sha256
  const splits = await loadSplits(direction, flow, options, signal)
  const measured: Partial<Record<SplitName, Measured>> = {}
  for (const name of splitNames) {
    const images = splits[name]
    const { seed } = options
    const path = `${direction.key.replace('->', '-')}/${name}`
    const scored = await run.step(
      `${path}/likelihood`,
      async () => {
        const { instance } = await flow.logProb(images, { space: 'model', seed, signal })
        const bitsPerDim = await flow.bitsPerDim(images, { seed, signal })
        return { logProb: instance, bitsPerDim, latents: await flow.encode(images, { seed, signal }) }
      },
      { key },
    )
    const artifact = await run.batches(
      `${path}/lid`,
      options.n,
      BATCH,
      async (from, to) => ({
        ...(await flow.decoder.tridiagonalMetric(sliceRows(scored.latents, from, to), { signal })),
      }),
      {
        key,
        signal,
        onProgress: ({ done, total }) => onProgress({ done, total, label: `${direction.key} ${name}` }),
      },
    )
    measured[name] = { images, logProb: scored.logProb, bitsPerDim: scored.bitsPerDim, artifact }
  }
  return measured as Record<SplitName, Measured>
}
