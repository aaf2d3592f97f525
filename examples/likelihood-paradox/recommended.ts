// The recommended detector of a flow alone, beside the paper's rule: one Gaussian over what the flow says and the PNG size.
import type { CallOptions, NdArray } from '@ood/core'
import { type Columns, gaussianOf, measureNeeds, type Statistic } from '@ood/detect'
import type { FlowArtifact } from '@ood/lid'
import { codeStatistic, flowLidStatistic, flowStatistics } from '@ood/methods'
import type { Flow } from '@ood/models-flow'
import { auroc, delongInterval } from '@ood/roc'
import type { AucPair } from '../common/compare.ts'
import { type SplitName, splitNames } from '../common/splits.ts'

/** What the recommended detector reaches. */
export interface Recommended {
  /** Names of what the Gaussian is over. */
  statistics: string[]
  /** AUC of its score; higher score = more OOD. */
  auc: AucPair
  /** 95 % DeLong interval of `auc.inDistr`. */
  interval: [number, number]
}

/** One split as the detector sees it. */
export interface RecommendedColumns {
  /** Terms of log p and bits of a PNG, from `measureStatistics`. */
  statistics: Columns
  artifact: FlowArtifact
}

/** The recommended statistics where there is a flow and nothing else. */
export function recommendedStatistics(flow: Flow): Statistic[] {
  return [...flowStatistics(flow), codeStatistic(), flowLidStatistic(flow)]
}

/** The columns that the example has no other use for: the terms of log p, one pass of the flow, and the size of a PNG. */
export async function measureStatistics(flow: Flow, images: NdArray, options: CallOptions): Promise<Columns> {
  const { artifact: _, ...others } = gaussianOf(recommendedStatistics(flow)).needs()
  return await measureNeeds(others, images, options)
}

/** Fits the detector on the training split and scores the others, from columns alone: no model runs here. */
export function recommend(
  statistics: readonly Statistic[],
  splits: Record<SplitName, RecommendedColumns>,
): Recommended {
  const method = gaussianOf(statistics)
  // The LID curve is read off the artifact that the paper's rule has had measured.
  const columnsOf = (name: SplitName): Columns => {
    const { diagonal, offDiagonal, rotated } = splits[name].artifact
    const artifact = { 'artifact.diagonal': diagonal, 'artifact.offDiagonal': offDiagonal, 'artifact.rotated': rotated }
    return { ...splits[name].statistics, ...artifact }
  }
  const fit = method.fit(columnsOf('in_distr_train'))
  const [, test, ood, generated] = splitNames.map((name) => method.score(columnsOf(name), fit))
  const { lower, upper } = delongInterval(ood!, test!)
  return {
    statistics: statistics.map(({ name }) => name),
    auc: { inDistr: auroc(ood!, test!), generated: auroc(ood!, generated!) },
    interval: [lower, upper],
  }
}
