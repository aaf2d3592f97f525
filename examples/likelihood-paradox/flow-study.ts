// One flow on its four splits: what is measured, and how the paper's rule and the recommended detector do.
import type { NdArray } from '@ood/core'
import { array, type Columns, gaussianOf, logProbOf, type Needs, type Statistic, vector } from '@ood/detect'
import { type FlowArtifact, thresholdDimension } from '@ood/lid'
import { codeStatistic, flowLidStatistic, flowStatistics } from '@ood/methods'
import type { Flow } from '@ood/models-flow'
import { auroc, delongInterval } from '@ood/roc'
import type { Bench } from '../common/bench.ts'
import type { AucPair } from '../common/judge.ts'
import { type LidStudy, studyLid } from '../common/lid-study.ts'
import { byName, type Direction, eachName, type SplitName, splitNames } from '../common/splits.ts'
import { choose, type ScaleRuleName } from './choose.ts'

/** What the recommended detector of a flow alone reaches: one Gaussian over what the flow says and the PNG size. */
export interface Recommended {
  /** Names of what the Gaussian is over. */
  statistics: string[]
  /** AUC of its score; higher score = more OOD. */
  auc: AucPair
  /** 95 % DeLong interval of `auc.inDistr`. */
  interval: [number, number]
}

/** What is measured on one split, one row an image. */
export interface Measured {
  /** log p in the model's (logit) space, as the reference reports it. */
  logProb: Float64Array
  bitsPerDim: Float64Array
  /** Of the decoder's Jacobian: LID at every scale. */
  artifact: FlowArtifact
}

/** Everything known about one direction when the run ends. */
export interface FlowResult {
  direction: Direction
  images: Record<SplitName, NdArray>
  splits: Record<SplitName, Measured>
  /** Model-free dimension of the training set that the lPCA rule aims for. */
  lpca: number
  study: LidStudy<ScaleRuleName>
  recommended: Recommended
}

/** The recommended statistics where there is a flow and nothing else. */
export function recommendedStatistics(flow: Flow): Statistic[] {
  return [...flowStatistics(flow), codeStatistic(), flowLidStatistic(flow)]
}

/** Columns of a split: log p in both spaces, and what the recommended detector needs, the artifact among it. */
export function needsOf(flow: Flow): Needs {
  return {
    model: logProbOf(flow, { space: 'model' }),
    pixel: logProbOf(flow),
    ...gaussianOf(recommendedStatistics(flow)).needs(),
  }
}

/** Measures every split. */
export async function measure(
  bench: Bench,
  name: string,
  flow: Flow,
  images: Record<SplitName, NdArray>,
): Promise<Record<SplitName, Columns>> {
  return await eachName(splitNames, (split) => bench.columns(needsOf(flow), `${name}/${split}`, images[split]))
}

/** A split as the study sees it. */
export function measuredOf(columns: Columns): Measured {
  const artifact = {
    diagonal: array(columns, 'artifact.diagonal'),
    offDiagonal: array(columns, 'artifact.offDiagonal'),
    rotated: array(columns, 'artifact.rotated'),
  }
  const dimension = artifact.diagonal.shape[1]!
  const bitsPerDim = vector(columns, 'pixel.logProb').map((nats) => -nats / (dimension * Math.LN2))
  return { logProb: vector(columns, 'model.logProb'), bitsPerDim, artifact }
}

/** Chooses on the training split, then evaluates every scale rule. */
export function studyFlow(splits: Record<SplitName, Measured>, lpca: number): LidStudy<ScaleRuleName> {
  // The only input of every choice: training points.
  const { logProb, artifact } = splits.in_distr_train
  const choices = choose({ logProb, artifact, dimension: artifact.diagonal.shape[1]!, lpca })
  const lidAt = (split: SplitName, _rule: ScaleRuleName, scale: number) =>
    thresholdDimension(splits[split].artifact, scale)
  return studyLid(
    choices,
    byName(splitNames, (split) => splits[split].logProb),
    lidAt,
  )
}

/** Fits the recommended detector on the training split and scores the others, from columns alone: no model runs here. */
export function recommend(statistics: readonly Statistic[], columns: Record<SplitName, Columns>): Recommended {
  const method = gaussianOf(statistics)
  const fit = method.fit(columns.in_distr_train)
  const [, test, ood, generated] = splitNames.map((split) => method.score(columns[split], fit))
  const { lower, upper } = delongInterval(ood!, test!)
  return {
    statistics: statistics.map(({ name }) => name),
    auc: { inDistr: auroc(ood!, test!), generated: auroc(ood!, generated!) },
    interval: [lower, upper],
  }
}
