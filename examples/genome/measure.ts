// What is measured of the splits: log p of a base under both networks and, for synthetic genomes, under the exact models.
import {
  flatData,
  type LikelihoodModel,
  type LogProb,
  type NdArray,
  rowCount,
  rowSize,
  sliceRows,
  tensor,
} from '@ood/core'
import { exactGenomeModel, type GenomeLawOptions, mutatedGenomeLaw } from '@ood/datasets'
import { type Columns, type Measurement, measurement, type Needs, vector } from '@ood/detect'
import { likelihoodRatio, ratioScores } from '@ood/llr'
import type { Bench } from '../common/bench.ts'
import { eachName } from '../common/splits.ts'
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
  /** The models that made the synthetic genomes; undefined for public data. */
  exact: Measured | undefined
  /** log p of a base under nearly the best model of mutated sequences: what the background network could be. */
  mutated: Float64Array | undefined
}

/** A model of the sequences and one of their background. */
export type Pair = Record<'semantic' | 'background', LikelihoodModel>

/** What is known of how the sequences were made. */
export interface Origin {
  law: GenomeLawOptions | undefined
  /** Share of bases that were replaced in the background model's training, where it is recorded. */
  rate: number | undefined
}

/** Log ratios of single bases, [n, T - 1]. */
export type BaseRatios = NdArray<Float64Array>

/** Sequences of each test split that get a map. */
export const MAPPED = 4

/** Mean log-probabilities of a base under both models, and the score: an exact pair is known by its law. */
function logRatio({ semantic, background }: Pair, law?: GenomeLawOptions): Measurement {
  const models = law ? [] : [semantic, background]
  const measure = async (x: NdArray, call = {}): Promise<Columns> => {
    const [inside, outside] = [await semantic.logProb(x, call), await background.logProb(x, call)]
    const { instance: score } = ratioScores(inside, outside, { convention: 'mean', feature: 'none' })
    return { semantic: meanOfSteps(inside), background: meanOfSteps(outside), score }
  }
  return measurement('logRatio', models, { law: law ?? null }, ['semantic', 'background', 'score'], measure)
}

/** Mean log-probability of a base under nearly the best model of sequences mutated at `rate`. */
function mutatedLogProb(law: GenomeLawOptions, rate: number): Measurement {
  const best = exactGenomeModel('semantic', mutatedGenomeLaw(law, rate))
  return measurement('mutatedLogProb', [], { law, rate }, ['logProb'], async (x: NdArray, call) => ({
    logProb: meanOfSteps(await best.logProb(x, call)),
  }))
}

/** Measures every split. */
export async function measure(
  bench: Bench,
  pair: Pair,
  splits: Record<SplitName, Pick<Sequences, 'x'>>,
  { law, rate }: Origin,
  batch = 256,
): Promise<Record<SplitName, MeasuredSplit>> {
  const exact = law && {
    semantic: exactGenomeModel('semantic', law),
    background: exactGenomeModel('background', law),
  }
  const needs: Needs = {
    lstm: logRatio(pair),
    ...(exact ? { exact: logRatio(exact, law) } : {}),
    ...(law && rate !== undefined ? { mutated: mutatedLogProb(law, rate) } : {}),
  }
  return await eachName(splitNames, async (split) => {
    const columns = await bench.columns(needs, split, splits[split].x, batch)
    const pairOf = (prefix: string): Measured => ({
      semantic: vector(columns, `${prefix}.semantic`),
      background: vector(columns, `${prefix}.background`),
      score: vector(columns, `${prefix}.score`),
    })
    return {
      lstm: pairOf('lstm'),
      exact: needs.exact && pairOf('exact'),
      mutated: needs.mutated && vector(columns, 'mutated.logProb'),
    }
  })
}

/** Log ratios of every base of the first sequences of both test splits. */
export async function measureMaps(
  bench: Bench,
  pair: Pair,
  splits: Record<SplitName, Pick<Sequences, 'x'>>,
): Promise<Record<'test_in' | 'test_ood', BaseRatios>> {
  const method = likelihoodRatio({ ...pair, convention: 'mean' })
  return await eachName(['test_in', 'test_ood'], async (split) => {
    const columns = await bench.columns(method.needs(), `${split}/maps`, sliceRows(splits[split].x, 0, MAPPED))
    const feature = method.featureScore!(columns, null)!
    // Scores are minus the ratio.
    return tensor(
      Float64Array.from(flatData(feature), (score) => -score),
      feature.shape,
    )
  })
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
