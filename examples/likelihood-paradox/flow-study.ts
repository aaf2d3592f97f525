// One flow on its four splits: what is measured, and how the paper's rule and the recommended detector do.
import type { NdArray } from '@ood/core'
import { array, type Columns, logProbOf, type Method, type Needs, vector } from '@ood/detect'
import { type FlowArtifact, thresholdDimension } from '@ood/lid'
import { flowLidStatistic, recommendedMethod } from '@ood/methods'
import type { Flow } from '@ood/models-flow'
import { auroc, delongInterval } from '@ood/roc'
import type { Bench } from '../common/bench.ts'
import type { AucPair } from '../common/judge.ts'
import { type LidStudy, studyLid } from '../common/lid-study.ts'
import { byName, type Direction, eachName, type SplitName, splitNames } from '../common/splits.ts'
import { choose, type ScaleRuleName } from './choose.ts'

/** What the recommended detector of a flow alone reaches. */
export interface Recommended {
  /** What it looks at. */
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

/** Columns of a split: log p in both spaces, the artifact of the LID, and what the recommended detector needs. */
export function needsOf(flow: Flow): Needs {
  return {
    model: logProbOf(flow, { space: 'model' }),
    pixel: logProbOf(flow),
    ...flowLidStatistic(flow).needs,
    ...recommendedMethod({ flow }).needs(),
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
export function recommend(method: Method, columns: Record<SplitName, Columns>): Recommended {
  const fit = method.fit(columns.in_distr_train)
  const [, test, ood, generated] = splitNames.map((split) => method.score(columns[split], fit))
  const { lower, upper } = delongInterval(ood!, test!)
  return {
    statistics: method.settings.parts as string[],
    auc: { inDistr: auroc(ood!, test!), generated: auroc(ood!, generated!) },
    interval: [lower, upper],
  }
}
