// ManifoldMixture: components of several dimensions in one ambient space, bent by diffeomorphisms and kept apart.
import { mismatch, type Random, unknownName } from '@ood/core'
import { firstAtLeast, laplace } from './internal/points.ts'
import { type LinearMapKind, linearMap } from './linear-maps.ts'
import { simplexModes } from './modes.ts'
import type { Diffeomorphism, Manifold } from './types.ts'

/** Law of the latent coordinates; `-repeated` copies one draw into all of them. */
export type LatentLaw = 'uniform' | 'normal' | 'laplace' | 'uniform-repeated' | 'normal-repeated' | 'laplace-repeated'

const LAWS: Readonly<Record<string, (rng: Random) => number>> = {
  uniform: (rng) => 2 * rng.uniform() - 1,
  normal: (rng) => rng.normal(),
  laplace,
}

/** Draws per component that fix its standardisation. */
const CALIBRATION = 128

/** What a mixture is made of. */
export interface ManifoldMixtureOptions {
  /** Ambient dimension D. */
  ambient: number
  /** Intrinsic dimensions d_1 .. d_M, each at most D. */
  dimensions: readonly number[]
  /** Default `uniform` on [-1, 1]. */
  latent?: LatentLaw | undefined
  /** Default `random-rotation`. */
  linear?: LinearMapKind | undefined
  /** A map of R^D after the linear one, drawn anew for each component: `squiggly(...)`, `randomFlow(...)`. */
  diffeomorphism?: Diffeomorphism | undefined
  /** Distance between modes (10). */
  distance?: number | undefined
  /** Probabilities of the components (equal). */
  weights?: readonly number[] | undefined
  name?: string | undefined
}

/**
 * Mixture of M manifolds: latent z in R^(d_i), linear map to R^D, optional diffeomorphism, coordinates
 * standardised by 128 draws of the component (deviations below 1 are left alone), then moved to mode i. LID d_i, since
 * diffeomorphisms preserve it; 1 for a `-repeated` law, whose component is a line (the reference says d_i).
 *
 * Every row draws its own component (in the reference the pattern of components repeats every 128 rows).
 *
 * @throws OodError `E_ARGUMENT` for dimensions outside 0..D or weights that are no probabilities, `E_UNKNOWN_NAME`
 * @example
 * const mixture = manifoldMixture({ ambient: 100, dimensions: [10, 25, 50], diffeomorphism: squiggly({ frequency: 5 }) })
 * const { points, lid } = manifoldSet(mixture, { n: 1000, seed: 123 }).all()
 */
export function manifoldMixture(options: ManifoldMixtureOptions): Manifold {
  const { ambient, dimensions, latent = 'uniform', linear = 'random-rotation', diffeomorphism, distance = 10 } = options
  const [law, repeated] = latentLaw(latent)
  if (dimensions.length === 0 || dimensions.some((d) => !(Number.isSafeInteger(d) && d >= 0 && d <= ambient)))
    throw mismatch('E_ARGUMENT', 'manifoldMixture dimensions', `whole numbers up to ${ambient}`, [...dimensions])
  const cumulative = cumulativeWeights(options.weights ?? dimensions.map(() => 1), dimensions.length)
  return {
    name: options.name ?? `mixture_${ambient}D_${dimensions.map((d) => `${d}d`).join('')}_${latent}`,
    shape: [ambient],
    dimensions: dimensions.map((d) => (repeated ? Math.min(1, d) : d)),
    build: (geometry) => {
      const modes = simplexModes(dimensions.length, ambient, distance)
      const parts = dimensions.map((d, i) => {
        const draw = geometry.fork(`component ${i}`)
        const place = linearMap(linear, draw.fork('linear'), ambient, d)
        const bend = diffeomorphism?.(draw.fork('diffeomorphism'), ambient)
        const z = new Float64Array(d)
        const x = new Float64Array(ambient)
        const point = (rng: Random): Float64Array => {
          for (let j = 0; j < d; j++) z[j] = repeated && j > 0 ? z[0]! : law(rng)
          place(z, x, 0)
          bend?.(x)
          return x
        }
        return { point, ...calibration(point, draw.fork('calibration'), ambient) }
      })
      return (rng, out, at) => {
        const component = firstAtLeast(cumulative, rng.uniform())
        const { point, mean, scale } = parts[component]!
        const x = point(rng)
        const mode = modes[component]!
        for (let j = 0; j < ambient; j++) out[at + j] = (x[j]! - mean[j]!) * scale[j]! + mode[j]!
        return component
      }
    },
  }
}

function latentLaw(name: LatentLaw): [(rng: Random) => number, boolean] {
  const repeated = name.endsWith('-repeated')
  const law = LAWS[repeated ? name.slice(0, -'-repeated'.length) : name]
  if (!law) throw unknownName('latent law', name, [...Object.keys(LAWS), 'uniform-repeated', '...'])
  return [law, repeated]
}

function cumulativeWeights(weights: readonly number[], count: number): number[] {
  const total = weights.reduce((a, b) => a + b, 0)
  if (weights.length !== count || weights.some((w) => !(w >= 0)) || !(total > 0 && Number.isFinite(total)))
    throw mismatch('E_ARGUMENT', 'manifoldMixture weights', `${count} numbers >= 0, not all 0`, [...weights])
  let sum = 0
  return weights.map((w) => {
    sum += w / total
    return sum
  })
}

/** Mean and inverse deviation of some draws; deviations below 1 become 1. */
function calibration(
  point: (rng: Random) => Float64Array,
  rng: Random,
  d: number,
): { mean: Float64Array; scale: Float64Array } {
  const draws = Array.from({ length: CALIBRATION }, () => point(rng).slice())
  const mean = new Float64Array(d)
  for (const x of draws) for (let j = 0; j < d; j++) mean[j] = mean[j]! + x[j]! / CALIBRATION
  const scale = mean.map((m, j) => {
    const variance = draws.reduce((sum, x) => sum + (x[j]! - m) ** 2, 0) / (CALIBRATION - 1)
    return 1 / Math.max(1, Math.sqrt(variance))
  })
  return { mean, scale }
}
