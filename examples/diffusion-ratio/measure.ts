// Losses and likelihoods of the four splits of one direction and of turned training images, stored batch by batch.

import { type NdArray, type Progress, rowCount, type ScoreModel, sliceRows } from '@ood/core'
import { type DenoisingLosses, denoisingLosses, type LossSettings, publishedFractions, quarterTurns } from '@ood/llr'
import type { Diffusion } from '@ood/models-diffusion'
import type { BatchColumns, Run } from '@ood/run'
import { type SplitName, splitNames } from '../common/splits.ts'

/** Training images turned by a quarter and by a half: what t_frac is chosen with. */
export const turnNames = ['quarter', 'half'] as const
export type TurnName = (typeof turnNames)[number]

/** t_frac of the trend and of the choice: the published ones and some between, all from the same evaluations. */
export const trendFractions: readonly number[] = [0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.33, 0.4, 0.5, 0.66, 0.8]

/** Time of the likelihood: noise of about one grey level, as in the diffusion-lid example. */
const LIKELIHOOD_TIME = 1e-3

/** Images between two stores; a kill loses at most this many. */
const BATCH = 8

/** What is measured on every split. */
export interface Measured {
  /** Bytes as numbers, [n, 1, 28, 28]. */
  images: NdArray
  /** log p in the network's space by the probability-flow ODE, nats. */
  logProb: Float64Array
  /** Likelihood-weighted losses, all t_frac from the same strata, the same probes for every image. */
  losses: DenoisingLosses
  /** The published estimate, as many evaluations in all: its own draws for every t_frac and for 1. */
  reference: DenoisingLosses
}

/** Everything measured in one direction. */
export interface DirectionMeasures {
  splits: Record<SplitName, Measured>
  turned: Record<TurnName, DenoisingLosses>
  /** Wall-clock seconds an image by part, of the batches computed in this start of the run. */
  seconds: Partial<Record<Part, number>>
}

const parts = ['ratio', 'reference', 'likelihood'] as const
export type Part = (typeof parts)[number]

/** The parts of a diffusion model that are used here; an analytic one has them, too. */
export type Measurable = ScoreModel & Pick<Diffusion, 'manifest' | 'preprocess' | 'logProb'>

/** What `measure` works on and reports to. */
export interface MeasureOptions {
  /** Name of the direction: prefix of the stored steps. */
  name: string
  model: Measurable
  images: Record<SplitName, NdArray>
  probes: number
  seed: number
  signal: AbortSignal
  onProgress: (progress: Progress) => void
}

/** Settings of the two estimates at the same number of network evaluations. */
export function estimates(probes: number): Record<'ratio' | 'reference', LossSettings> {
  const draws = Math.floor(probes / (publishedFractions.length + 1))
  return {
    ratio: { weighting: 'likelihood', probes, fractions: trendFractions, sharing: 'shared' },
    reference: { compat: 'reference', probes: draws, fractions: publishedFractions },
  }
}

/**
 * Measures every split, or loads what an earlier start of the run has stored. Times and noise depend on the seed and
 * the row of its split only, so a resumed run computes the same numbers as an undisturbed one.
 */
export async function measure(run: Run<unknown>, options: MeasureOptions): Promise<DirectionMeasures> {
  const { name, model, images, probes, seed, signal, onProgress } = options
  const settings = estimates(probes)
  const spent: Record<Part, { time: number; images: number }> = {
    ratio: { time: 0, images: 0 },
    reference: { time: 0, images: 0 },
    likelihood: { time: 0, images: 0 },
  }
  const part = async <C extends BatchColumns>(
    label: Part,
    set: string,
    x: NdArray,
    compute: (batch: NdArray, keys: number[]) => Promise<C>,
  ): Promise<C> =>
    await run.batches(
      `${name}/${set}/${label}`,
      rowCount(x),
      BATCH,
      async (from, to) => {
        const started = performance.now()
        const keys = Array.from({ length: to - from }, (_, i) => from + i)
        const out = await compute(await model.preprocess(sliceRows(x, from, to), { seed, rows: keys }), keys)
        spent[label].time += (performance.now() - started) / 1000
        spent[label].images += to - from
        return out
      },
      {
        key: { model: model.manifest?.sha256, probes },
        signal,
        onProgress: ({ done, total }) => onProgress({ done, total, label: `${name} ${set} ${label}` }),
      },
    )
  const lossesOf = async (label: 'ratio' | 'reference', set: string, x: NdArray): Promise<DenoisingLosses> => {
    const { loss, standardError } = await part(label, set, x, async (batch, rows) => {
      const found = await denoisingLosses(model, batch, settings[label], { seed, rows, signal })
      return { loss: found.loss, standardError: found.standardError }
    })
    // Fractions and shares are the same for any rows, none included.
    const none = await denoisingLosses(model, sliceRows(await model.preprocess(x, { seed }), 0, 0), settings[label])
    return { ...none, loss, standardError }
  }
  const likelihoodOf = async (set: string, x: NdArray): Promise<Float64Array> => {
    const { logProb } = await part('likelihood', set, x, async (batch, rows) => {
      const call = { input: 'model', space: 'model', rows, signal, seed } as const
      // One probe: noise of some 50 nats, where images differ by hundreds.
      const { instance } = await model.logProb(batch, { ...call, t: LIKELIHOOD_TIME, probes: 1, tolerance: 1e-2 })
      return { logProb: instance }
    })
    return logProb
  }
  const [quarter, half] = quarterTurns(images.in_distr_train)
  const ratio = await bySplit((split) => lossesOf('ratio', split, images[split]))
  const turned = {
    quarter: await lossesOf('ratio', 'turned-quarter', quarter),
    half: await lossesOf('ratio', 'turned-half', half),
  }
  const reference = await bySplit((split) => lossesOf('reference', split, images[split]))
  const logProb = await bySplit((split) => likelihoodOf(split, images[split]))
  const splits = await bySplit(async (split) => ({
    images: images[split],
    logProb: logProb[split],
    losses: ratio[split],
    reference: reference[split],
  }))
  const timed = parts.filter((label) => spent[label].images > 0)
  return {
    splits,
    turned,
    seconds: Object.fromEntries(timed.map((label) => [label, spent[label].time / spent[label].images])),
  }
}

async function bySplit<T>(value: (name: SplitName) => Promise<T>): Promise<Record<SplitName, T>> {
  const out: Partial<Record<SplitName, T>> = {}
  for (const name of splitNames) out[name] = await value(name)
  return out as Record<SplitName, T>
}
