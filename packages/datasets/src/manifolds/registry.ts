// Manifolds by name: toys, the standard suite, and the benchmark configurations of Kamkari et al.
import { mismatch, OodError } from '@ood/core'
import { benchmarkManifold, benchmarkSuite } from './benchmark-suite.ts'
import { squiggly } from './diffeomorphisms.ts'
import { lollipop } from './lollipop.ts'
import { type LatentLaw, manifoldMixture } from './mixture.ts'
import { mondrian } from './mondrian.ts'
import { checkerboard, eightGaussians, pinwheel, twoCircles, twoMoons, twoSpirals } from './plane-toys.ts'
import { randomFlow } from './random-flows.ts'
import { type ManifoldSet, type ManifoldSetOptions, manifoldSet } from './set.ts'
import { kleinBottle, sphere, swissRoll, torusCircle, vonMisesCircle } from './surfaces.ts'
import type { Manifold } from './types.ts'

const TOYS: Readonly<Record<string, () => Manifold>> = {
  lollipop,
  swiss_roll: swissRoll,
  torus_circle: torusCircle,
  von_mises_circle: vonMisesCircle,
  klein_bottle: kleinBottle,
  sphere: () => sphere(2),
  two_moons: twoMoons,
  two_circles: twoCircles,
  two_spirals: twoSpirals,
  eight_gaussians: eightGaussians,
  checkerboard,
  pinwheel,
  mondrian,
}

/** Settings of a named manifold. */
export interface NamedManifoldOptions extends ManifoldSetOptions {
  /** Distance between the modes of a mixture (10). */
  distance?: number | undefined
  /** Residual blocks of the conditioners of `RQNSF` (32 as published; fewer are faster and as curved). */
  flowBlocks?: number | undefined
}

const FREQUENCIES = ['0.5', '1', '5', '10']
const MIXTURE = /^(affine|squiggly_(\d+(?:\.\d+)?)_freq|RQNSF)_(\d+)D_((?:\d+d)+)_(uniform|gaussian|laplace)$/

/**
 * By group, every manifold that the published LID benchmark names. `manifold` accepts any other
 * name of the same pattern too.
 */
export const lidBenchmark: Readonly<Record<'toy' | 'small' | 'medium' | 'large', readonly string[]>> = {
  toy: ['lollipop', 'swiss_roll', 'torus_circle'],
  small: [
    ...crossed(['affine', 'RQNSF'], '10D_5d', ['uniform', 'gaussian', 'laplace']),
    ...crossed(['affine', 'RQNSF', ...squigglies()], '10D_2d4d8d', ['uniform', 'gaussian', 'laplace']),
  ],
  medium: [
    ...crossed(['affine'], '100D_10d', ['uniform']),
    ...crossed(['affine'], '100D_30d', ['uniform', 'gaussian']),
    ...crossed(['affine'], '100D_90d', ['uniform', 'gaussian']),
    ...crossed(squigglies(), '100D_50d', ['uniform']),
    ...crossed(['RQNSF'], '100D_80d', ['uniform']),
    ...['100D_10d25d50d', '100D_10d30d90d'].flatMap((sizes) =>
      crossed(['affine', 'RQNSF', ...squigglies()], sizes, ['uniform']),
    ),
    'affine_100D_10d25d50d_gaussian',
  ],
  large: [
    'affine_800D_200d_uniform',
    'affine_800D_10d80d200d_uniform',
    'RQNSF_800D_400d_uniform',
    'affine_1000D_100d_uniform',
    ...crossed(['affine'], '1000D_900d', ['uniform', 'gaussian']),
    'RQNSF_1000D_500d_uniform',
    'affine_2000D_100d200d_uniform',
    ...crossed(squigglies(), '2000D_200d', ['uniform']),
  ],
}

/** Every name `manifold` knows without a pattern: toys, the standard suite and the published benchmark. */
export function manifoldNames(): string[] {
  return [...new Set([...Object.keys(TOYS), ...benchmarkSuite, ...Object.values(lidBenchmark).flat()])]
}

/**
 * A data set on a manifold by name: a toy (`lollipop`), one of the standard suite (`M1_Sphere`), or
 * `{affine|squiggly_<f>_freq|RQNSF}_{D}D_{d}d{d}d..._{uniform|gaussian|laplace}` with any D and d.
 *
 * Mixtures are standardised unless `standardize` says otherwise, but for affine ones in 800 dimensions and more, as
 * published; toys and the standard suite are not.
 *
 * @throws OodError `E_UNKNOWN_NAME`, or `E_ARGUMENT` for d > D
 * @example
 * const { points, lid } = manifold('affine_100D_10d25d50d_uniform', { n: 2000, seed: 123 }).all()
 */
export function manifold(name: string, options: NamedManifoldOptions): ManifoldSet {
  const toy = Object.hasOwn(TOYS, name) ? TOYS[name] : undefined
  if (toy) return manifoldSet(toy(), options)
  if (benchmarkSuite.includes(name)) return manifoldSet(benchmarkManifold(name), options)
  const parts = MIXTURE.exec(name)
  if (!parts)
    throw new OodError(
      'E_UNKNOWN_NAME',
      `manifold: expected a toy (${Object.keys(TOYS).join(', ')}), one of the standard suite (M1_Sphere ...) or a name like affine_100D_10d25d50d_uniform, got ${name.slice(0, 100)}`,
    )
  const [, kind, frequency, size, dims, law] = parts
  const ambient = Number(size)
  const dimensions = dims!.slice(0, -1).split('d').map(Number)
  if (dimensions.some((d) => d > ambient))
    throw mismatch('E_ARGUMENT', `manifold ${name}`, `dimensions up to ${ambient}`, dimensions)
  const diffeomorphism = frequency
    ? squiggly({ frequency: Number(frequency) })
    : kind === 'RQNSF'
      ? randomFlow({ blocks: options.flowBlocks ?? 32 })
      : undefined
  const mixture = manifoldMixture({
    name,
    ambient,
    dimensions,
    latent: (law === 'gaussian' ? 'normal' : law) as LatentLaw,
    ...(diffeomorphism && { diffeomorphism }),
    ...(options.distance !== undefined && { distance: options.distance }),
  })
  return manifoldSet(mixture, { standardize: !(kind === 'affine' && ambient >= 800), ...options })
}

function squigglies(): string[] {
  return FREQUENCIES.map((f) => `squiggly_${f}_freq`)
}

function crossed(kinds: readonly string[], middle: string, laws: readonly string[]): string[] {
  return kinds.flatMap((kind) => laws.map((law) => `${kind}_${middle}_${law}`))
}
