// The statistics that a set of models offers, cheapest first.
import { describedBy, type Method, type Statistic } from '@ood/detect'
import type { Models } from '../open-model.ts'
import { backgroundStatistics, pixelStatistics } from './autoregressive.ts'
import { flowLidStatistic, flowStatistics } from './flow.ts'
import { codeStatistic, denoisingRegionStatistic, denoisingStatistic } from './others.ts'

/** How much a detector may cost: flow and PNG only, with PixelCNN++, or with a diffusion model and LID curves as well. */
export type Tier = 'cheap' | 'middle' | 'full'

/** Tiers in order of cost. */
export const tiers: readonly Tier[] = ['cheap', 'middle', 'full']

/** The statistics that come from one model, and a name for them. */
export interface StatisticGroup {
  name: string
  statistics: Statistic[]
}

/**
 * The statistics of a tier that the models allow, by where they come from.
 *
 * - `cheap`: PNG bits, where the models are of 8-bit images; log p, preprocessing and latents of the flow
 * - `middle`: PixelCNN++ and its background model, whole and by region
 * - `full`: denoising losses of the diffusion model, whole and by region; LID curve of the flow
 *
 * @example
 * const groups = groupsOf({ flow }, 'cheap') // [{ name: 'flow', statistics }]
 */
export function groupsOf(models: Models, tier: Tier = 'full'): StatisticGroup[] {
  const { flow, autoregressive, autoregressiveBackground: background, diffusion } = models
  const middle = tier !== 'cheap'
  const full = tier === 'full'
  const groups: StatisticGroup[] = []
  if (flow)
    groups.push({
      name: takesBytes(models) ? 'flow and PNG' : 'flow',
      statistics: [...(takesBytes(models) ? [codeStatistic()] : []), ...flowStatistics(flow)],
    })
  if (middle && autoregressive)
    groups.push({
      name: 'PixelCNN++',
      statistics: [
        ...pixelStatistics(autoregressive),
        ...(background ? backgroundStatistics(autoregressive, background) : []),
      ],
    })
  if (full && diffusion)
    groups.push({
      name: 'denoising',
      statistics: [
        denoisingStatistic(diffusion),
        ...(diffusion.modelShape.length === 3 ? [denoisingRegionStatistic(diffusion)] : []),
      ],
    })
  if (full && flow) groups.push({ name: 'LID', statistics: [flowLidStatistic(flow)] })
  return groups
}

/**
 * All statistics of a tier, as `groupsOf` lists them.
 *
 * @example
 * const method = gaussianOf(statisticsOf({ flow }, 'cheap'))
 */
export function statisticsOf(models: Models, tier: Tier = 'full'): Statistic[] {
  return groupsOf(models, tier).flatMap(({ statistics }) => statistics)
}

/** The models that the statistics of a tier run, by role. */
export function modelsOf(models: Models, tier: Tier = 'full'): Models {
  const { flow, autoregressive, autoregressiveBackground, diffusion } = models
  const middle = tier !== 'cheap'
  return {
    ...(flow ? { flow } : {}),
    ...(middle && autoregressive ? { autoregressive } : {}),
    ...(middle && autoregressive && autoregressiveBackground ? { autoregressiveBackground } : {}),
    ...(tier === 'full' && diffusion ? { diffusion } : {}),
  }
}

/** A combination of statistics that knows its models, so that a stored detector is refused with other ones. */
export function over<Fit>(models: Models, method: Method<Fit>): Method<Fit> {
  return { ...method, models, data: describedBy(Object.values(models)) }
}

/** Whether the models are of 8-bit grey or colour images [C, H, W], which codecs take; models that do not say pass. */
export function takesBytes(models: Models): boolean {
  // Rows of a flow on features are no images.
  const { featureFlow: _, ...own } = models
  const { dataShape, valueRange } = describedBy(Object.values(own))
  const image = dataShape === undefined || (dataShape.length === 3 && (dataShape[0] === 1 || dataShape[0] === 3))
  return image && (valueRange === undefined || (valueRange[0] === 0 && valueRange[1] === 255))
}
