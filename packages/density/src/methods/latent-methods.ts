// Scores of a flow's latents as methods: their norm, and the mass of a box around them.
import { type Invertible, mismatch, type NdArray } from '@ood/core'
import { describedBy, type Method, measurement, vector } from '@ood/detect'
import { noFit } from '../internal/no-fit.ts'
import { latentBoxLogMass, latentNorms } from '../latent-scores.ts'
import { assertBall, type Norm } from '../lp-ball.ts'

/** What encodes. */
type Encoder = Pick<Invertible, 'encode'>

/**
 * Score = ‖z‖_p of the latent (default the 2-norm; p = Infinity for the largest coordinate): far out in the base density.
 * Nothing is fitted. Cost: one encoding.
 *
 * @example
 * const method = latentNormMethod(flow)
 */
export function latentNormMethod(model: Encoder, settings: { p?: Norm } = {}): Method<null> {
  const { p = 2 } = settings
  assertBall('latentNorm', 1, p)
  const own = { p: p === Number.POSITIVE_INFINITY ? 'infinity' : p }
  return latentMethod('LatentNorm', model, own, (z) => latentNorms(z, p))
}

/**
 * Score = minus the log mass of the box of half-width `radius` around the latent (`latentBoxLogMass`, default 0.1).
 * Nothing is fitted. Cost: one encoding.
 *
 * @example
 * const method = latentBoxMethod(flow, { radius: 0.05 })
 */
export function latentBoxMethod(model: Encoder, settings: { radius?: number } = {}): Method<null> {
  const { radius = 0.1 } = settings
  assertBall('latentBox', radius, Number.POSITIVE_INFINITY)
  return latentMethod('LatentBox', model, { radius }, (z) => latentBoxLogMass(z, radius).map((value) => -value))
}

function latentMethod(
  name: string,
  model: Encoder,
  settings: Readonly<Record<string, unknown>>,
  scoresOf: (z: NdArray) => Float64Array,
): Method<null> {
  if (typeof model?.encode !== 'function') throw mismatch('E_ARGUMENT', `${name} model`, 'a model with encode', model)
  const needs = {
    latents: measurement(name, [model], settings, ['score'], async (x: NdArray, call = {}) => {
      const { seed, rows, signal } = call
      return { score: scoresOf(await model.encode(x, { seed, rows, signal })) }
    }),
  }
  return {
    name,
    source: 'Kamkari et al. 2024',
    settings,
    models: { model },
    data: describedBy([model]),
    ...noFit,
    needs: () => needs,
    score: (columns) => vector(columns, 'latents.score').slice(),
  }
}
