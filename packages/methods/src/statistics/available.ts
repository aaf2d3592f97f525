// The statistics that a set of models offers, cheapest first.
import { describedBy, type Method, type Statistic } from '@ood/detect'
import type { Models } from '../open-model.ts'
import { backgroundStatistics, pixelStatistics } from './autoregressive.ts'
import { flowLidStatistic, flowStatistics } from './flow.ts'
import { codeStatistic, denoisingStatistic } from './others.ts'

/** How much a detector may cost: flow and PNG only, with PixelCNN++, or with a diffusion model and LID curves as well. */
export type Tier = 'cheap' | 'middle' | 'full'

/** Tiers in order of cost. */
export const tiers: readonly Tier[] = ['cheap', 'middle', 'full']

/**
 * The statistics of a tier that the models allow.
 *
 * - `cheap`: PNG bits, where the models are of 8-bit images; log p, preprocessing and latents of the flow
 * - `middle`: PixelCNN++ and its background model, whole and by region
 * - `full`: denoising losses of the diffusion model, LID curve of the flow
 *
 * @example
 * const method = gaussianOf(statisticsOf({ flow }, 'cheap'))
 */
export function statisticsOf(models: Models, tier: Tier = 'full'): Statistic[] {
  const { flow, autoregressive, autoregressiveBackground, diffusion } = models
  const middle = tier !== 'cheap'
  const full = tier === 'full'
  const statistics: Statistic[] = takesBytes(models) ? [codeStatistic()] : []
  if (flow) statistics.push(...flowStatistics(flow))
  if (middle && autoregressive) statistics.push(...pixelStatistics(autoregressive))
  if (middle && autoregressive && autoregressiveBackground)
    statistics.push(...backgroundStatistics(autoregressive, autoregressiveBackground))
  if (full && diffusion) statistics.push(denoisingStatistic(diffusion))
  if (full && flow) statistics.push(flowLidStatistic(flow))
  return statistics
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
