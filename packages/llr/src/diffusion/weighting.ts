// How denoising errors at different noise levels become one loss: norm, weight, and the measure that averages them.
import { type DiffusionProcess, unknownName } from '@ood/core'

/**
 * `published`: |.|_1 weighted by (t + 0.5) / sigma(t), averaged over t (Goodier & Campbell 2023).
 * `likelihood`: |.|_2² averaged over log tau, the weights of the variational bound, in nats.
 */
export type LossWeighting = 'published' | 'likelihood'

/** A weighting on one process. */
export interface Weighting {
  /** Σ |r_i| (1) or Σ r_i² (2) of the residual r = net + eps. */
  readonly norm: 1 | 2
  /** What the norm at time t is multiplied by. */
  weight(t: number): number
  /** The averaging measure from a fixed origin to t. */
  measure(t: number): number
  /** The variable that times are drawn uniformly in, chosen so that the weight has no singularity there. */
  variable(t: number): number
  timeOf(variable: number): number
  /** d measure / d variable. */
  density(variable: number): number
}

/** The weighting called `name` on a process. */
export function weightingOf(name: LossWeighting, process: DiffusionProcess): Weighting {
  if (name === 'likelihood') {
    const log = (t: number): number => Math.log(process.noiseToSignal(t))
    return {
      norm: 2,
      weight: () => 1,
      measure: log,
      variable: log,
      timeOf: (variable) => process.timeOf(Math.exp(variable)),
      density: () => 1,
    }
  }
  if (name !== 'published') throw unknownName('weighting', name, ['published', 'likelihood'])
  return {
    norm: 1,
    weight: (t) => (t + 0.5) / process.standardDeviation(t),
    measure: (t) => t,
    // sigma grows like the square root of t at 0 (VP), so 1 / sigma is bounded against d sqrt(t), where t alone would
    // leave the loss of a random time without a variance.
    variable: Math.sqrt,
    timeOf: (variable) => variable * variable,
    density: (variable) => 2 * variable,
  }
}
