// The published few-step likelihoods, kept for comparison: equal Euler steps in t, which mostly count codimensions.
import {
  assertFinite,
  assertRows,
  forEachBatch,
  mismatch,
  type NdArray,
  rowCount,
  type ScoreModel,
  scoreDivergence,
  sliceRows,
  tensor,
  unknownName,
} from '@ood/core'
import { float64 } from '../internal/calls.ts'
import { dimension } from '../internal/probability-flow.ts'
import type { OdeLogProb, OdeLogProbOptions } from './options.ts'
import { logNormal, traceDefaults } from './path.ts'

const RECIPES = {
  geometry: { t: 1e-4, steps: 10, method: 'gaussian', probes: 5, seed: 42 },
  'ood-detection': { t: 1e-2, steps: 25, method: 'rademacher', probes: 25, seed: 100 },
} as const

/** What one Euler path gives. */
interface EulerPath extends OdeLogProb {
  /** Contribution of the first step to log p, the one that counts codimensions. */
  firstStep: Float64Array
}

/**
 * `odeLogProb` as published: s_1..s_N = linspace(t, T, N), dt = (T - t) / (N - 1), and N updates - also at
 * s_N, so it runs past T by dt - of
 *
 *   log p += dt (f D - g²/2 tr ∂s/∂x),   then   x += dt (f x - g²/2 s),
 *
 * and log N(x; 0, sigma_T² I) at the end. `x` is taken as x_t. `geometry` uses t = 1e-4, N = 10 and 5 Gaussian probes
 * of seed 42; `ood-detection` t = 1e-2, N = 25 and 25 Rademacher probes, leaves the drift's trace to a closed form and
 * has the wrong signs in both constants of the prior, which no comparison between rows sees. Probes come from this
 * package's generator, so single values differ from PyTorch's by the probes' noise.
 */
export async function referenceLogProb(
  model: ScoreModel,
  x: NdArray,
  options: OdeLogProbOptions = {},
): Promise<EulerPath> {
  const name = options.recipe ?? 'geometry'
  if (!Object.hasOwn(RECIPES, name)) throw unknownName('logProb recipe', String(name), Object.keys(RECIPES))
  const recipe = RECIPES[name]
  const { sde } = model
  const { t = recipe.t, steps = recipe.steps } = options
  assertRows('logProb', x, model.modelShape)
  assertFinite('logProb', x)
  if (!(Number.isInteger(steps) && steps > 1))
    throw mismatch('E_ARGUMENT', 'logProb steps', 'a whole number > 1', steps)
  if (!(t > 0 && t < sde.tMax)) throw mismatch('E_ARGUMENT', 'logProb t', `a time in (0, ${sde.tMax})`, t)
  const n = rowCount(x)
  const d = dimension(model)
  const trace = traceDefaults(
    {
      ...options,
      method: options.method ?? recipe.method,
      probes: options.probes ?? recipe.probes,
      seed: options.seed ?? recipe.seed,
    },
    d,
    n,
  )
  const dt = (sde.tMax - t) / (steps - 1)
  const driftTrace = name === 'geometry'
  const instance = new Float64Array(n)
  const firstStep = new Float64Array(n)
  const latent = new Float64Array(n * d)
  await forEachBatch('logProb', n, 256, options, async (from, to) => {
    const rows = Array.from({ length: to - from }, (_, i) => trace.rows[from + i]!)
    const block = sliceRows(x, from, to)
    const points = float64(block)
    for (let step = 0; step < steps; step++) {
      const s = t + ((sde.tMax - t) * step) / (steps - 1)
      const [f, half] = [sde.drift(s), sde.diffusionSquared(s) / 2]
      const out = await scoreDivergence(model, tensor(points, block.shape), s, { ...trace, rows })
      const score = float64(out.score)
      for (let row = from; row < to; row++) {
        const change = dt * ((driftTrace ? f * d : 0) - half * out.divergence[row - from]!)
        instance[row]! += change
        if (step === 0) firstStep[row] = change
      }
      for (let i = 0; i < points.length; i++) points[i]! += dt * (f * points[i]! - half * score[i]!)
    }
    latent.set(points, from * d)
    const sigma = sde.standardDeviation(sde.tMax)
    for (let row = from; row < to; row++) {
      const prior = logNormal(latent, row * d, d, sigma)
      if (driftTrace) instance[row]! += prior
      else {
        const square = prior + d * (Math.log(sigma) + 0.5 * Math.log(2 * Math.PI))
        const constants = 0.5 * d * (Math.log(2 * Math.PI) + sde.integratedBeta(sde.tMax) - sde.integratedBeta(t))
        instance[row]! += square + constants
      }
    }
  })
  return { instance, firstStep, latent: tensor(latent, x.shape), evaluations: steps * n }
}
