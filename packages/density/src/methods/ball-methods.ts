// Masses around a point as methods: an Lp ball, a Gaussian convolution, nested balls.
import type { DensityModel } from '@ood/core'
import { flatData, mismatch } from '@ood/core'
import type { Method } from '@ood/detect'
import { ballMass } from '../ball-mass.ts'
import { gaussianConvolution } from '../convolution.ts'
import { probeMethod } from '../internal/density-rows.ts'
import { assertBall, type Norm } from '../lp-ball.ts'
import { nestedBallMass } from '../nested-balls.ts'

/** Settings of `ballMassMethod`. */
export interface BallMassSettings {
  /** Radius in the density's space (default 0.2, the largest published). */
  radius?: number
  p?: Norm
  samples?: number
}

/**
 * Score = -ln of the mean density in the Lp ball around x (`ballMass`; the volume is the same for all rows). Nothing is
 * fitted. Cost: `samples` evaluations (default 100).
 *
 * @example
 * const method = ballMassMethod(flow, { radius: 0.1 })
 */
export function ballMassMethod(model: DensityModel, settings: BallMassSettings = {}): Method<null> {
  const { radius = 0.2, p = 2, samples = 100 } = settings
  assertBall('ballMass', radius, p)
  return probeMethod(model, {
    name: 'BallMass',
    source: 'Kamkari et al. 2024',
    settings: { radius, p: p === Number.POSITIVE_INFINITY ? 'infinity' : p, samples },
    column: 'logDensity',
    probe: async (x, call) =>
      flatData((await ballMass(model.density, x, { ...call, radii: [radius], p, samples })).logDensity),
    score: (value) => -value,
  })
}

/**
 * Score = -ln (p * N(0, r² I))(x) (`gaussianConvolution`). Nothing is fitted. Cost: `samples` evaluations (default 10).
 *
 * @example
 * const method = convolutionMethod(flow, { deviation: 0.1 })
 */
export function convolutionMethod(
  model: DensityModel,
  settings: { deviation?: number; samples?: number } = {},
): Method<null> {
  const { deviation = 0.1, samples = 10 } = settings
  assertBall('gaussianConvolution', deviation, 2)
  return probeMethod(model, {
    name: 'GaussianConvolution',
    source: 'Kamkari et al. 2024',
    settings: { deviation, samples },
    column: 'logDensity',
    probe: async (x, call) =>
      flatData((await gaussianConvolution(model.density, x, { ...call, deviations: [deviation], samples })).logDensity),
    score: (value) => -value,
  })
}

/** Settings of `nestedBallMethod`. */
export interface NestedBallSettings {
  /** Largest radius in the density's space (default 1). */
  radius?: number
  /** Balls in all (default 4); each holds about a third of the volume of the next. */
  balls?: number
  p?: Norm
  walks?: number
  steps?: number
}

/**
 * Score = -ln of the mass of the largest of nested balls around x, by Metropolis walks (`nestedBallMass`). Nothing is
 * fitted. Cost: 3 · 8 · 100 evaluations by default.
 *
 * @example
 * const method = nestedBallMethod(flow, { radius: 2, balls: 6 })
 */
export function nestedBallMethod(model: DensityModel, settings: NestedBallSettings = {}): Method<null> {
  const { radius = 1, balls = 4, p = 2, walks = 8, steps = 50 } = settings
  assertBall('nestedBallMass', radius, p)
  return probeMethod(model, {
    name: 'NestedBalls',
    source: 'Kamkari et al. 2024; Metropolis et al. 1953',
    settings: { radius, balls, p: p === Number.POSITIVE_INFINITY ? 'infinity' : p, walks, steps },
    column: 'logMass',
    async probe(x, call) {
      const d = x.shape.slice(1).reduce((product, n) => product * n, 1)
      const radii = Array.from({ length: balls }, (_, k) => radius * 3 ** ((k + 1 - balls) / d))
      const { logMass } = await nestedBallMass(model.density, x, { ...call, radii, p, walks, steps })
      const values = flatData(logMass)
      const stuck = values.findIndex(Number.isNaN)
      if (stuck >= 0)
        throw mismatch(
          'E_RUNTIME',
          'NestedBalls',
          'walks that move (more steps, or a smaller radius)',
          `none accepted in row ${Math.floor(stuck / balls)}`,
        )
      return Float64Array.from({ length: x.shape[0]! }, (_, row) => values[row * balls + balls - 1]!)
    },
    score: (value) => -value,
  })
}
