// The statistics that a set of models offers, cheapest first.
import type { Statistic } from '@ood/detect'
import type { Models } from '../open-model.ts'
import { backgroundStatistics, pixelStatistics } from './autoregressive.ts'
import { flowLidStatistic, flowStatistics } from './flow.ts'
import { codeStatistic, denoisingStatistic } from './others.ts'

/** How much a detector may cost: flow and PNG only, with PixelCNN++, or with a diffusion model and LID curves as well. */
export type Tier = 'cheap' | 'middle' | 'full'

/** Tiers in order of cost. */
export const tiers: readonly Tier[] = ['cheap', 'middle', 'full']

/**
 * The statistics of a tier that the models allow. Images must be bytes for the PNG code length.
 *
 * - `cheap`: PNG bits; log p, preprocessing and latents of the flow
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
  const statistics: Statistic[] = [codeStatistic()]
  if (flow) statistics.push(...flowStatistics(flow))
  if (middle && autoregressive) statistics.push(...pixelStatistics(autoregressive))
  if (middle && autoregressive && autoregressiveBackground)
    statistics.push(...backgroundStatistics(autoregressive, autoregressiveBackground))
  if (full && diffusion) statistics.push(denoisingStatistic(diffusion))
  if (full && flow) statistics.push(flowLidStatistic(flow))
  return statistics
}
