// Masses of balls by Metropolis walks in nested balls: the ratio of two masses is a share of a walk's steps.
import {
  assertCount,
  assertFinite,
  assertOptions,
  CALL_OPTIONS,
  type CallOptions,
  type LikelihoodModel,
  mismatch,
  type NdArray,
  type Random,
  random,
  rowCount,
  rowSize,
  tensor,
  throwIfAborted,
} from '@ood/core'
import { logMean } from './internal/log-mean.ts'
import { logProbAround, type WalkState, walkInBall } from './internal/walks.ts'
import { assertBall, drawInBall, lpBallLogVolume, type Norm } from './lp-ball.ts'

/** Options of `nestedBallMass`. */
export interface NestedBallOptions extends CallOptions {
  /** Radii of the balls, ascending: each walk stays in one ball and counts its visits to the one before. */
  radii: ArrayLike<number>
  /** Norm of the balls (default 2). */
  p?: Norm | undefined
  /** Walks side by side, in every ball of every row (default 8); their spread gives the standard error. */
  walks?: number | undefined
  /** Counted steps of a walk (default 200). */
  steps?: number | undefined
  /** Steps before counting, during which the proposal's width is adapted (default half of `steps`, at least 50). */
  warmup?: number | undefined
  /** Standard deviation of a proposal over radius / √D to begin with (default 1). */
  proposal?: number | undefined
  /**
   * `reference`: what the published code sums up, ln of the mean density of the walk's points in the inner ball. That is
   * no probability; without `compat` the share of steps is.
   */
  compat?: 'reference' | undefined
}

/** What nested walks give for N rows and R radii. */
export interface NestedBallMasses {
  /**
   * ln P(B_{r_k} | B_{r_{k+1}}), [N, R - 1]; with `compat: 'reference'` its sum of densities instead. -Infinity: no visit.
   * NaN: no proposal was accepted, so the walks say nothing.
   */
  logRatio: NdArray<Float64Array>
  /** ln of the mass of each ball, [N, R]: that of the smallest from uniform points, the others by the ratios. */
  logMass: NdArray<Float64Array>
  /** Standard error of each log ratio from the spread between walks, [N, R - 1]. */
  standardError: NdArray<Float64Array>
  /** Share of proposals accepted after the warmup, [N, R - 1]. */
  acceptance: NdArray<Float64Array>
}

/** Uniform points in the smallest ball, for its mass. */
const INNER_POINTS = 64

/**
 * ln P(B_r | B_R) for nested balls around each row: random walks that accept a step iff it stays in B_R and
 * ln u < Δ log p (Metropolis et al. 1953) visit points of B_R in proportion to the density, so the share of their steps
 * in B_r is the ratio of the masses. Over a ladder of radii the ratios multiply, and with the mass of the smallest ball
 * they give the mass of the largest, in dimensions where uniform points find nothing.
 *
 * Widths of proposals are adapted per row during the warmup. A walk mixes in about (R / length of a step)² steps: a
 * density that is thin in some directions of a wide ball needs long walks, and `standardError`, the spread between walks
 * that began at different points, says when they were too short.
 *
 * A ratio is well measured where it is not small: r/R above about (1/10)^{1/D}, so 1 - 2.3/D apart for a flat density.
 * Row i's walks depend on (seed, rows[i]) only; all walks of all rows step together.
 *
 * @param model - log p of real rows, such as `flow.density`
 * @param x - [N, ...dataShape], in that space
 * @throws OodError `E_ARGUMENT` for radii that do not ascend; `E_NOT_FINITE` naming the row
 *
 * Cost: walks (warmup + steps) (R - 1) evaluations a row at most; steps out of the ball cost none.
 * @example
 * const { logMass } = await nestedBallMass(flow.density, v, { radii: [1, 1.002, 1.004] })
 */
export async function nestedBallMass(
  model: LikelihoodModel,
  x: NdArray,
  options: NestedBallOptions,
): Promise<NestedBallMasses> {
  const settings = checked(options)
  const { radii, p, walks, steps, warmup, proposal, seed, rows, signal, reference } = settings
  assertFinite('nestedBallMass', x)
  const n = rowCount(x, 'nestedBallMass')
  const d = rowSize(x)
  if (rows && rows.length !== n) throw mismatch('E_SHAPE', 'nestedBallMass rows', `${n} keys, one a row`, rows.length)
  const R = radii.length
  const root = random(seed).fork('nestedBallMass')
  const streams: Random[] = Array.from({ length: n }, (_, row) => root.fork(rows ? rows[row]! : row))
  const walkers: Random[] = Array.from({ length: n * walks }, (_, w) => streams[Math.floor(w / walks)]!.fork(w % walks))
  const logProb = logProbAround('nestedBallMass', model, x, signal)
  const logRatio = new Float64Array(n * (R - 1))
  const logMass = new Float64Array(n * R)
  const standardError = new Float64Array(n * (R - 1))
  const acceptance = new Float64Array(n * (R - 1))

  // Uniform points of the smallest ball: its mass, and where the walks begin.
  const offsets = innerPoints(streams, d, radii[0]!, p)
  const inner = await logProb(offsets, INNER_POINTS)
  const volume = lpBallLogVolume(d, radii[0]!, p)
  for (let row = 0; row < n; row++) {
    const mean = logMean()
    for (let k = 0; k < INNER_POINTS; k++) mean.add(inner[row * INNER_POINTS + k]!)
    logMass[row * R] = volume + mean.value()
  }
  const at = new Float64Array(n * walks * d)
  for (let w = 0; w < n * walks; w++) {
    const from = (Math.floor(w / walks) * INNER_POINTS + ((w % walks) % INNER_POINTS)) * d
    at.set(offsets.subarray(from, from + d), w * d)
  }
  const state: WalkState = { at, logProb: await logProb(at, walks), walkers, walks, d }

  for (let rung = 0; rung + 1 < R; rung++) {
    const found = await walkInBall(state, logProb, {
      inner: radii[rung]!,
      outer: radii[rung + 1]!,
      p,
      steps,
      warmup,
      proposal,
      step(done) {
        throwIfAborted(signal, 'nestedBallMass')
        const all = warmup + steps
        options.onProgress?.({ done: rung * all + done, total: (R - 1) * all, label: 'nestedBallMass' })
      },
    })
    for (let row = 0; row < n; row++) {
      const place = row * (R - 1) + rung
      const shares = found.visits.subarray(row * walks, (row + 1) * walks).map((count) => count / steps)
      const moved = found.accepted[row]! > 0
      const share = moved ? shares.reduce((sum, value) => sum + value, 0) / walks : Number.NaN
      const variance = shares.reduce((sum, value) => sum + (value - share) ** 2, 0) / Math.max(1, walks - 1)
      logRatio[place] = reference ? found.logDensity[row]! : Math.log(share)
      standardError[place] = walks < 2 ? Number.NaN : Math.sqrt(variance / walks) / share
      acceptance[place] = found.accepted[row]! / steps
      logMass[row * R + rung + 1] = logMass[row * R + rung]! - Math.log(share)
    }
  }
  return {
    logRatio: tensor(logRatio, [n, R - 1]),
    logMass: tensor(logMass, [n, R]),
    standardError: tensor(standardError, [n, R - 1]),
    acceptance: tensor(acceptance, [n, R - 1]),
  }
}

/** Uniform points of the ball of every row, as offsets [rows, INNER_POINTS, d]. */
function innerPoints(streams: readonly Random[], d: number, radius: number, p: Norm): Float64Array {
  const offsets = new Float64Array(streams.length * INNER_POINTS * d)
  streams.forEach((stream, row) => {
    const own = stream.fork('inner')
    for (let k = 0; k < INNER_POINTS; k++) {
      const at = (row * INNER_POINTS + k) * d
      drawInBall(own, p, offsets, at, d)
      for (let i = at; i < at + d; i++) offsets[i] = offsets[i]! * radius
    }
  })
  return offsets
}

function checked(options: NestedBallOptions) {
  assertOptions('nestedBallMass', options, [
    ...CALL_OPTIONS,
    'radii',
    'p',
    'walks',
    'steps',
    'warmup',
    'proposal',
    'compat',
  ])
  const { p = 2, walks = 8, steps = 200, proposal = 1, compat, seed = 0, rows, signal } = options
  const { warmup = Math.max(50, Math.ceil(steps / 2)) } = options
  const radii = Array.from(options.radii ?? [])
  if (radii.length < 2) throw mismatch('E_ARGUMENT', 'nestedBallMass radii', 'at least 2', radii.length)
  for (const radius of radii) assertBall('nestedBallMass', radius, p)
  const wrong = radii.findIndex((radius, k) => k > 0 && !(radius > radii[k - 1]!))
  if (wrong >= 0) throw mismatch('E_ARGUMENT', 'nestedBallMass radii', 'ascending numbers', radii)
  assertCount('nestedBallMass walks', walks)
  assertCount('nestedBallMass steps', steps)
  assertCount('nestedBallMass warmup', warmup, 0)
  if (!(proposal > 0 && Number.isFinite(proposal)))
    throw mismatch('E_ARGUMENT', 'nestedBallMass proposal', 'a positive number', proposal)
  if (compat !== undefined && compat !== 'reference')
    throw mismatch('E_ARGUMENT', 'nestedBallMass compat', 'reference or nothing', compat)
  return { radii, p, walks, steps, warmup, proposal, seed, rows, signal, reference: compat === 'reference' }
}
