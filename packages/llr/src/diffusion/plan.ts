// Which times a row's probes are drawn at: strata that every t_frac shares, or the reference's independent draws.
import { type DiffusionProcess, mismatch } from '@ood/core'
import { type LossWeighting, type Weighting, weightingOf } from './weighting.ts'

/** Probes whose losses are averaged into one number a row. */
export interface Block {
  readonly count: number
  /** Time of probe i, and what the norm of its residual is multiplied by, from a uniform number. */
  draw(i: number, uniform: number): { t: number; factor: number }
}

/** The probes of one row, block after block, and how L(t_frac) is made of block means. */
export interface ProbePlan {
  readonly blocks: readonly Block[]
  readonly norm: 1 | 2
  /** Whether L(t_frac) and L(1) share their probes: column k is then the mean over blocks 0..k by their widths. */
  readonly paired: boolean
  /** Measure of block k alone where paired. */
  readonly widths: Float64Array
  /** Measure below each t_frac as a share of the whole. */
  readonly share: Float64Array
}

/** Fewest probes in a block: a spread needs two. */
const LEAST = 2

/**
 * Strata: the noise levels from tMin to T are cut at every t_frac, and every piece has at least two probes, the others
 * in proportion to its length in the sampling variable; probe i of n lies in the i-th of n equal parts. L at every
 * t_frac is then a mean of the same evaluations, and L(t_frac) - L(1) has no noise of two independent draws.
 *
 * @throws OodError `E_ARGUMENT` for a t_frac not above tMin / T, or fewer than two probes for a piece
 */
export function stratifiedPlan(
  process: DiffusionProcess,
  name: LossWeighting,
  fractions: ArrayLike<number>,
  probes: number,
): ProbePlan {
  const weighting = weightingOf(name, process)
  const { tMin, tMax } = process
  const pieces = fractions.length
  if (probes < LEAST * pieces)
    throw mismatch('E_ARGUMENT', 'diffusionRatio probes', `at least ${LEAST} for each of ${pieces} pieces`, probes)
  if (!(fractions[0]! * tMax > tMin))
    throw mismatch('E_ARGUMENT', 'diffusionRatio t_frac', `numbers above tMin / T = ${tMin / tMax}`, fractions[0])
  const edges = Float64Array.from({ length: pieces + 1 }, (_, k) => (k === 0 ? tMin : fractions[k - 1]! * tMax))
  const at = edges.map((t) => weighting.variable(t))
  const measure = edges.map((t) => weighting.measure(t))
  const whole = measure[pieces]! - measure[0]!
  const counts = shares(at, probes)
  return {
    blocks: counts.map((count, k) => stratum(weighting, [at[k]!, at[k + 1]!], measure[k + 1]! - measure[k]!, count)),
    norm: weighting.norm,
    paired: true,
    widths: Float64Array.from(counts, (_, k) => measure[k + 1]! - measure[k]!),
    share: Float64Array.from(counts, (_, k) => (k === pieces - 1 ? 1 : (measure[k + 1]! - measure[0]!) / whole)),
  }
}

/**
 * The reference: `probes` draws for every t_frac and as many again for 1, t = u t_frac T (u in (0, 1], for a network at
 * noise 0 has nothing to say), independent of each other.
 */
export function referencePlan(process: DiffusionProcess, fractions: ArrayLike<number>, probes: number): ProbePlan {
  const { weight, norm } = weightingOf('published', process)
  const columns = Array.from(fractions)
  return {
    blocks: columns.map((fraction) => ({
      count: probes,
      draw(_, uniform) {
        const t = (1 - uniform) * fraction * process.tMax
        return { t, factor: weight(t) }
      },
    })),
    norm,
    paired: false,
    widths: Float64Array.from(columns, () => 0),
    share: Float64Array.from(columns),
  }
}

function stratum(weighting: Weighting, [low, high]: [number, number], width: number, count: number): Block {
  const scale = (high - low) / width
  return {
    count,
    draw(i, uniform) {
      const variable = low + ((high - low) * (i + uniform)) / count
      const t = weighting.timeOf(variable)
      return { t, factor: weighting.weight(t) * weighting.density(variable) * scale }
    },
  }
}

/** `total` split in proportion to the gaps of `at`, at least `LEAST` each; the largest remainders get what is left. */
function shares(at: Float64Array, total: number): number[] {
  const pieces = at.length - 1
  const free = total - LEAST * pieces
  const exact = Array.from({ length: pieces }, (_, k) => (free * (at[k + 1]! - at[k]!)) / (at[pieces]! - at[0]!))
  const counts = exact.map((value) => LEAST + Math.floor(value))
  const order = exact.map((value, k) => ({ k, rest: value - Math.floor(value) })).sort((a, b) => b.rest - a.rest)
  let left = total - counts.reduce((sum, count) => sum + count, 0)
  for (const { k } of order) if (left-- > 0) counts[k] = counts[k]! + 1
  return counts
}
