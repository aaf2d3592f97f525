// Scores the splits under both models and, for synthetic genomes, under the exact ones, stored batch by batch in the run folder.

import {
  flatData,
  type LikelihoodModel,
  type LogProb,
  type NdArray,
  type Progress,
  rowCount,
  rowSize,
  sliceRows,
  tensor,
} from '@ood/core'
import { exactGenomeModel, type GenomeLawOptions, mutatedGenomeLaw } from '@ood/datasets'
import { measure as measureColumns } from '@ood/detect'
import { likelihoodRatio, ratioScores } from '@ood/llr'
import type { Run } from '@ood/run'
import { type Sequences, type SplitName, splitNames } from './data.ts'

/** Log-probabilities of a split, in nats a base, and its scores. */
export interface Measured {
  semantic: Float64Array
  background: Float64Array
  /** Minus the mean log ratio of the steps, higher = more OOD (convention `mean`). */
  score: Float64Array
}

/** Both pairs of models on one split. */
export interface MeasuredSplit {
  lstm: Measured
  /** The models that made the synthetic genomes; absent for public data. */
  exact?: Measured
  /** log p of a base under nearly the best model of mutated sequences: what the background network could be. */
  mutated?: Float64Array
}

/** Log ratios of single bases, [n, T - 1]. */
export type BaseRatios = NdArray<Float64Array>

/** What is measured and how. */
export interface MeasureOptions {
  semantic: LikelihoodModel
  background: LikelihoodModel
  /** Changes when the models do. */
  key: unknown
  splits: Record<SplitName, Sequences>
  law: GenomeLawOptions | undefined
  /** Share of bases that were replaced in the background model's training, where it is recorded. */
  rate?: number | undefined
  signal: AbortSignal
  onProgress: (progress: Progress) => void
  /** Sequences between two stores; a kill loses at most this many (default 256). */
  batch?: number
}

/** Sequences of each test split that get a map. */
export const MAPPED = 4

/** Measures every split, or loads what an earlier start of the run has stored. */
export async function measure(run: Run<unknown>, options: MeasureOptions): Promise<Record<SplitName, MeasuredSplit>> {
  const { splits, law, key, rate } = options
  const exact = law && {
    semantic: exactGenomeModel('semantic', law),
    background: exactGenomeModel('background', law),
  }
  const best = law && rate !== undefined && exactGenomeModel('semantic', mutatedGenomeLaw(law, rate))
  const measured: Partial<Record<SplitName, MeasuredSplit>> = {}
  for (const split of splitNames) {
    const { x } = splits[split]
    measured[split] = {
      lstm: await measurePair(run, `${split}/lstm`, options, x, options, key),
      ...(exact && { exact: await measurePair(run, `${split}/exact`, exact, x, options, law) }),
      ...(best && { mutated: await measureOne(run, `${split}/mutated`, best, x, options, [law, rate]) }),
    }
  }
  return measured as Record<SplitName, MeasuredSplit>
}

type Pair = Pick<MeasureOptions, 'semantic' | 'background'>

async function measurePair(
  run: Run<unknown>,
  name: string,
  { semantic, background }: Pair,
  x: NdArray,
  { signal, onProgress, batch = 256 }: MeasureOptions,
  key: unknown,
): Promise<Measured> {
  return await run.batches(
    name,
    rowCount(x),
    batch,
    async (from, to) => {
      const rows = sliceRows(x, from, to)
      const both = {
        semantic: await semantic.logProb(rows, { signal, seed: 0 }),
        background: await background.logProb(rows, { signal, seed: 0 }),
      }
      return {
        semantic: meanOfSteps(both.semantic),
        background: meanOfSteps(both.background),
        score: ratioScores(both.semantic, both.background, { convention: 'mean', feature: 'none' }).instance,
      }
    },
    { key, signal, onProgress: (at) => onProgress({ ...at, label: name }) },
  )
}

async function measureOne(
  run: Run<unknown>,
  name: string,
  model: LikelihoodModel,
  x: NdArray,
  { signal, onProgress, batch = 256 }: MeasureOptions,
  key: unknown,
): Promise<Float64Array> {
  const { logProb } = await run.batches(
    name,
    rowCount(x),
    batch,
    async (from, to) => ({ logProb: meanOfSteps(await model.logProb(sliceRows(x, from, to), { signal })) }),
    { key, signal, onProgress: (at) => onProgress({ ...at, label: name }) },
  )
  return logProb
}

/** Log ratios of every base of the first sequences of both test splits. */
export async function measureMaps(
  run: Run<unknown>,
  { semantic, background, splits, signal, key }: MeasureOptions,
): Promise<Record<'test_in' | 'test_ood', BaseRatios>> {
  const method = likelihoodRatio({ semantic, background, convention: 'mean' })
  const mapOf = async (split: 'test_in' | 'test_ood'): Promise<BaseRatios> => {
    const { ratio } = await run.step(
      `${split}/maps`,
      async () => {
        const columns = await measureColumns(method, sliceRows(splits[split].x, 0, MAPPED), { signal })
        const feature = method.featureScore!(columns, null)
        // Scores are minus the ratio.
        return {
          ratio: tensor(
            Float64Array.from(flatData(feature!), (score) => -score),
            feature!.shape,
          ),
        }
      },
      { key },
    )
    return ratio
  }
  return { test_in: await mapOf('test_in'), test_ood: await mapOf('test_ood') }
}

function meanOfSteps({ feature }: LogProb): Float64Array {
  const values = flatData(feature!)
  const size = rowSize(feature!)
  return Float64Array.from({ length: rowCount(feature!) }, (_, i) => {
    let sum = 0
    for (let t = i * size; t < (i + 1) * size; t++) sum += values[t]!
    return sum / size
  })
}
