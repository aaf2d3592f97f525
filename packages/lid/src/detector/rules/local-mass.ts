// The local probability mass: how much probability lies within a radius, from the density and the dimension.

import { logBallVolume } from '../../internal/ball.ts'
import { assertNumber } from '../../internal/check.ts'
import { pairMoments } from '../pairs.ts'
import { numberOf, type RuleDefinition } from './pair-rule.ts'

/** Settings of the local mass rule. */
export interface LocalMassSettings {
  /** log r: log of the ball's radius. For a threshold LID read at scale s, r = e^s. */
  logRadius: number
  /**
   * log of the length below which a direction counts as thin: the unit in which r is measured. `'fit'` (default) takes
   * the one at which the training set's mass no longer depends on LID; 0 gives the bare log p + LID log r.
   */
  logResolution?: number | 'fit'
  /** `'ball'` adds the volume of the unit ball in LID dimensions (default `'none'`). */
  volume?: 'none' | 'ball'
}

/**
 * Score = -(log p + LID · log(r / r₀) [+ log V_LID]), minus the log of the probability mass in a ball of radius r up to
 * a constant.
 *
 * Where the model is about LID-dimensional at scale r, with thickness of about r₀ in the D - LID thin directions, the
 * density is p ≈ m / (V_LID r^LID r₀^(D - LID)) for a mass m in the ball, so
 *
 *   log m = log p + LID log(r / r₀) + log V_LID + D log r₀.
 *
 * With r₀ = 1 this is log p + LID log r. The unit matters: r₀ = 1 while r = e^s < 1 would *reward* a low dimension.
 * `logResolution: 'fit'` sets log(r / r₀) to the slope with which log p falls per dimension on the training set (its
 * least-squares slope, at least 0). `meanLogThin` measures log r₀ from a flow's training artifact instead.
 *
 * V_d = π^{d/2} / Γ(d/2 + 1) is the constant of a sharp ball; a Gaussian ball of standard deviation r has (2π)^{d/2}
 * instead, which only changes r₀.
 */
export const localMass: RuleDefinition<LocalMassSettings> = {
  fit(pairs, { logRadius, logResolution = 'fit', volume = 'none' }) {
    assertNumber('localMass logRadius', logRadius)
    const ball = volume === 'ball' ? 1 : 0
    if (logResolution !== 'fit') {
      assertNumber('localMass logResolution', logResolution)
      return { logRadius, logResolution, volume: ball }
    }
    const adjusted = pairs.logProb.map((value, i) => value + ball * logBallVolume(pairs.lid[i]!))
    const moments = pairMoments({ logProb: adjusted, lid: pairs.lid })
    const slope = (moments.correlation * moments.logProbDeviation) / moments.lidDeviation
    return { logRadius, logResolution: logRadius - Math.max(0, -slope), volume: ball }
  },
  build(parameters) {
    const exponent = numberOf(parameters, 'logRadius') - numberOf(parameters, 'logResolution')
    const ball = numberOf(parameters, 'volume')
    return { score: (logProb, lid) => -(logProb + lid * exponent + (ball === 0 ? 0 : logBallVolume(lid))) }
  },
}
