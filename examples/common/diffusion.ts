// What the diffusion examples ask of a model beside their own methods: its log-likelihood, at the noise of one grey level.
import type { ScoreModel } from '@ood/core'
import { logProbOf, type Measurement } from '@ood/detect'
import type { Diffusion } from '@ood/models-diffusion'

/** The parts of a diffusion model that are used; an analytic one has them, too. */
export type Measurable = ScoreModel & Pick<Diffusion, 'manifest' | 'dimension' | 'preprocess' | 'logProb'>

/**
 * Time at which the likelihood is taken: sigma(1e-3) = 0.0105, 1.3 grey levels of [-1, 1]. Pixels are whole numbers, so
 * with less noise the density of the data is one of spikes, and grows without bound.
 */
const LIKELIHOOD_TIME = 1e-3

/**
 * log p in the network's space by the probability-flow ODE with error control. `probes` of its traces: the noise of
 * three is some 30 nats, of one some 50, where images differ by hundreds.
 */
export function likelihoodOf(model: Measurable, probes: number): Measurement {
  return logProbOf(model, { space: 'model', t: LIKELIHOOD_TIME, probes, tolerance: 1e-2 })
}
