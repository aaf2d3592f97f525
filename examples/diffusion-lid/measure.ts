// Scores the four splits of one direction, stored batch by batch in the run folder: likelihoods, FLIPD curves, normal bundles.

import { type NdArray, type Progress, rowCount, type ScoreModel, sliceRows } from '@ood/core'
import { flipd, linspace, normalBundle, type ScaleCurves, type SingularValues } from '@ood/lid'
import type { Diffusion } from '@ood/models-diffusion'
import type { BatchColumns, Run } from '@ood/run'
import { type SplitName, splitNames } from '../common/splits.ts'

/** What is measured on one split, one row per image. */
export interface Measured {
  /** Bytes as numbers, [n, 1, 28, 28]. */
  images: NdArray
  /** Rows in the network's space. */
  rows: NdArray
  /** log p in the network's space, at noise of about one grey level, with error control. */
  logProb: Float64Array
  /** The published ten-step recipe's value of the same. */
  referenceLogProb: Float64Array
  curves: ScaleCurves
  /** Singular values of the normal bundle, [n, D]; undefined when it was left out. */
  bundle: SingularValues | undefined
  /** Wall-clock seconds an image, by part; of the batches computed in this start of the run. */
  seconds: Partial<Record<'likelihood' | 'flipd' | 'normalBundle', number>>
}

/** Scales of FLIPD curves: log tau from far below a grey level's noise to where images are gone. */
export const curveScales: Float64Array = linspace(-5.5, 0.5, 13)

/**
 * Time at which the likelihood is taken: sigma(1e-3) = 0.0105, 1.3 grey levels of [-1, 1]. Pixels are whole numbers, so
 * with less noise the density of the data is one of spikes, and grows without bound.
 */
export const LIKELIHOOD_TIME = 1e-3

/** Probes of the likelihood's traces: their noise, some 30 nats, is far below the spread of images, some hundreds. */
const LIKELIHOOD_PROBES = 3

/** Time of the normal bundle: the published runs' (spec dgm 1.3.4). */
export const BUNDLE_TIME = 0.01

/** Images between two stores; a kill loses at most this many. */
const BATCH = 8

/** The parts of a diffusion model that are used here; an analytic one has them, too. */
export type Measurable = ScoreModel & Pick<Diffusion, 'manifest' | 'dimension' | 'preprocess' | 'logProb'>

/** What `measure` works on and reports to. */
export interface MeasureOptions {
  /** Name of the direction: prefix of the stored steps. */
  name: string
  model: Measurable
  images: Record<SplitName, NdArray>
  probes: number
  scores: number
  seed: number
  signal: AbortSignal
  onProgress: (progress: Progress) => void
}

/**
 * Measures every split of a direction, or loads what an earlier start of the run has stored. Probes and noise depend on
 * the seed and the row of its split only, so a resumed run computes the same numbers as an undisturbed one.
 */
export async function measure(run: Run<unknown>, options: MeasureOptions): Promise<Record<SplitName, Measured>> {
  const measured: Partial<Record<SplitName, Measured>> = {}
  for (const split of splitNames) measured[split] = await measureSplit(run, split, options)
  return measured as Record<SplitName, Measured>
}

async function measureSplit(run: Run<unknown>, split: SplitName, options: MeasureOptions): Promise<Measured> {
  const { name, model, images, probes, scores, seed, signal, onProgress } = options
  const key = model.manifest?.sha256
  const x = images[split]
  const rows = await model.preprocess(x, { seed })
  const seconds: Measured['seconds'] = {}
  /** One part of the measurement over all rows, timed. */
  const part = async <C extends BatchColumns>(
    label: keyof Measured['seconds'],
    compute: (batch: NdArray, keys: number[]) => Promise<C>,
  ): Promise<C> => {
    let spent = 0
    let done = 0
    const columns = await run.batches(
      `${name}/${split}/${label}`,
      rowCount(x),
      BATCH,
      async (from, to) => {
        const started = performance.now()
        const out = await compute(
          sliceRows(rows, from, to),
          Array.from({ length: to - from }, (_, i) => from + i),
        )
        spent += performance.now() - started
        done += to - from
        return out
      },
      { key, signal, onProgress: ({ done, total }) => onProgress({ done, total, label: `${name} ${split} ${label}` }) },
    )
    if (done > 0) seconds[label] = spent / 1000 / done
    return columns
  }

  const likelihood = await part('likelihood', async (batch, keys) => {
    const call = { input: 'model', space: 'model', rows: keys, signal } as const
    const { instance } = await model.logProb(batch, {
      ...call,
      t: LIKELIHOOD_TIME,
      probes: LIKELIHOOD_PROBES,
      tolerance: 1e-2,
      seed,
    })
    const reference = await model.logProb(batch, { ...call, compat: 'reference' })
    return { logProb: instance, referenceLogProb: reference.instance }
  })
  const curve = flipd(model, { scales: curveScales, method: 'rademacher', probes: Math.ceil(probes / 4) })
  const { lid, standardError } = await part('flipd', async (batch, keys) => {
    const { lid, standardError } = await curve.prepare(batch, { seed, rows: keys, signal })
    return { lid, standardError }
  })
  const bundle = scores > 0 ? normalBundle(model, { level: { t: BUNDLE_TIME }, scores }) : undefined
  const values = bundle
    ? await part('normalBundle', async (batch, keys) => ({
        values: await bundle.prepare(batch, { seed, rows: keys, signal }),
      }))
    : undefined
  return {
    images: x,
    rows,
    ...likelihood,
    curves: { scales: curveScales, lid, standardError },
    bundle: values?.values,
    seconds,
  }
}

/**
 * FLIPD of every split at one scale with all probes, stored like the rest. The scale comes from training images, so this
 * runs after the choice.
 */
export async function measureAt(
  run: Run<unknown>,
  scale: number,
  splits: Record<SplitName, Measured>,
  options: MeasureOptions,
): Promise<Record<SplitName, FlipdLid>> {
  const { name, model, probes, seed, signal, onProgress } = options
  const estimator = flipd(model, { method: 'rademacher', probes })
  const out: Partial<Record<SplitName, FlipdLid>> = {}
  for (const split of splitNames) {
    const { rows } = splits[split]
    let spent = 0
    let done = 0
    const columns = await run.batches(
      `${name}/${split}/flipd-chosen`,
      rowCount(rows),
      BATCH,
      async (from, to) => {
        const started = performance.now()
        const keys = Array.from({ length: to - from }, (_, i) => from + i)
        const { lid, standardError } = await estimator.at(
          sliceRows(rows, from, to),
          { scale },
          { seed, rows: keys, signal },
        )
        spent += performance.now() - started
        done += to - from
        return { lid, standardError }
      },
      {
        key: { model: model.manifest?.sha256, scale },
        signal,
        onProgress: ({ done, total }) => onProgress({ done, total, label: `${name} ${split} flipd` }),
      },
    )
    out[split] = { ...columns, seconds: done > 0 ? spent / 1000 / done : null }
  }
  return out as Record<SplitName, FlipdLid>
}

/** FLIPD at one scale. */
export interface FlipdLid {
  lid: Float64Array
  standardError: Float64Array
  /** Seconds an image, of what this start of the run computed. */
  seconds: number | null
}
