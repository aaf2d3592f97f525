// What is measured of one diffusion model: losses at every level of noise, of turned training images too, and log p.
import { flatData, type NdArray } from '@ood/core'
import { type Columns, type Needs, vector } from '@ood/detect'
import {
  type DenoisingLosses,
  denoisingLossColumns,
  type LossSettings,
  lossesOf,
  publishedFractions,
  quarterTurns,
} from '@ood/llr'
import type { Bench } from '../common/bench.ts'
import { likelihoodOf, type Measurable } from '../common/diffusion.ts'
import { eachName, type SplitName, splitNames } from '../common/splits.ts'

/** Training images turned by a quarter and by a half: what t_frac is chosen with. */
export type TurnName = 'quarter' | 'half'

/** t_frac of the trend and of the choice: the published ones and some between, all from the same evaluations. */
const trendFractions: readonly number[] = [0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.33, 0.4, 0.5, 0.66, 0.8]

/** What is measured on every split. */
export interface Measured {
  /** log p in the network's space by the probability-flow ODE, nats. */
  logProb: Float64Array
  /** Likelihood-weighted losses, all t_frac from the same strata, the same probes for every image. */
  losses: DenoisingLosses
  /** The published estimate, as many evaluations in all: its own draws for every t_frac and for 1. */
  reference: DenoisingLosses
}

/** Everything measured in one direction. */
export interface DirectionMeasures {
  images: Record<SplitName, NdArray>
  splits: Record<SplitName, Measured>
  turned: Record<TurnName, DenoisingLosses>
  /** Seconds an image by part. */
  seconds: Record<'ratio' | 'reference' | 'likelihood', number>
}

/** Settings of the two estimates at the same number of network evaluations. */
export function estimates(probes: number): Record<'ratio' | 'reference', LossSettings> {
  const draws = Math.floor(probes / (publishedFractions.length + 1))
  return {
    ratio: { weighting: 'likelihood', probes, fractions: trendFractions, sharing: 'shared' },
    reference: { compat: 'reference', probes: draws, fractions: publishedFractions },
  }
}

/** Measures every split, and the turned training images. */
export async function measure(
  bench: Bench,
  name: string,
  model: Measurable,
  images: Record<SplitName, NdArray>,
  probes: number,
): Promise<DirectionMeasures> {
  const settings = estimates(probes)
  const ratio: Needs = { ratio: denoisingLossColumns(model, settings.ratio) }
  const reference: Needs = { reference: denoisingLossColumns(model, settings.reference) }
  const likelihood: Needs = { likelihood: likelihoodOf(model, 1) }
  const needs = { ...ratio, ...reference, ...likelihood }
  const columns = (of: Needs, set: string, x: NdArray): Promise<Columns> => bench.columns(of, `${name}/${set}`, x)
  const splits = await eachName(splitNames, async (split): Promise<Measured> => {
    const found = await columns(needs, split, images[split])
    const logProb = vector(found, 'likelihood.logProb')
    return { logProb, losses: lossesOf(found, 'ratio'), reference: lossesOf(found, 'reference') }
  })
  const [quarter, half] = quarterTurns(images.in_distr_train)
  const turned = {
    quarter: lossesOf(await columns(ratio, 'turned-quarter', quarter), 'ratio'),
    half: lossesOf(await columns(ratio, 'turned-half', half), 'ratio'),
  }
  const seconds = {
    ratio: bench.seconds(ratio),
    reference: bench.seconds(reference),
    likelihood: bench.seconds(likelihood),
  }
  return { images, splits, turned, seconds }
}

/** L(t_frac) of every image. */
export function lossAt({ loss, fractions }: DenoisingLosses, tFrac: number): Float64Array {
  const k = fractions.length
  const column = fractions.indexOf(tFrac)
  const data = flatData(loss)
  return Float64Array.from({ length: data.length / k }, (_, i) => data[i * k + column]!)
}

/** L(t_frac) over D of every image: squared error of the noise a pixel, over the levels up to t_frac. */
export function lossCurves({ loss, fractions }: DenoisingLosses, dimension: number): Float64Array[] {
  const data = flatData(loss)
  const k = fractions.length
  return Array.from({ length: data.length / k }, (_, i) =>
    Float64Array.from(data.subarray(i * k, (i + 1) * k), (value) => value / dimension),
  )
}
