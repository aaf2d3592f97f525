// Synthetic manifolds: golden points from explicit uniforms, true dimensions by numerical rank, laws, laziness.
import { flatData, random } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'
import {
  benchmarkManifold,
  benchmarkSuite,
  checkerboard,
  eightGaussians,
  kleinBottle,
  lidBenchmark,
  linearMap,
  lollipop,
  type Manifold,
  manifold,
  manifoldMixture,
  manifoldNames,
  manifoldSet,
  mondrian,
  multiscaleGaussian,
  pinwheel,
  polarIsometry,
  projected,
  projectedGaussians,
  randomFlow,
  randomRotation,
  rotation,
  simplexModes,
  sphere,
  squiggleStep,
  squiggly,
  swissRoll,
  torusCircle,
  twoCircles,
  twoMoons,
  twoSpirals,
  vonMisesCircle,
} from '../src/index.ts'
import { beta, gamma } from '../src/manifolds/internal/points.ts'
import { rationalQuadraticSpline, splineSize } from '../src/manifolds/internal/spline.ts'
import { rank, record, replay } from './replay.ts'

/** One point of a manifold from explicit random numbers. */
function pointOf(source: Manifold, values: readonly number[]): { x: number[]; component: number; lid: number } {
  const out = new Float64Array(source.shape.reduce((a, b) => a * b, 1))
  const component = source.build(random(0))(replay(values), out, 0)
  return { x: [...out], component, lid: source.dimensions[component]! }
}

/** Equal up to the rounding of a few float64 operations on numbers below 25. */
function close(got: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(got.length).toBe(expected.length)
  for (let i = 0; i < got.length; i++) expect(Math.abs(got[i]! - expected[i]!)).toBeLessThan(1e-12)
}

describe('golden vectors', () => {
  // biome-ignore lint/suspicious/noExplicitAny: one nested object a manifold, read field by field below.
  const golden = vector<any>('dgm/manifolds')

  it('lollipop', () => {
    const { r, a, c, dec } = golden.lollipop.uniforms
    golden.lollipop.rows.forEach((row: { sample: number[]; lid: number }, i: number) => {
      const got = pointOf(lollipop(), [dec[i], r[i], a[i], c[i]])
      close(got.x, row.sample)
      expect([got.lid, got.component]).toEqual([row.lid, row.lid])
    })
  })

  it('torus and circle', () => {
    for (const row of golden.torus.rows) {
      const got = pointOf(torusCircle(), [row.theta_u, row.phi_u, row.decision_u])
      close(got.x, row.sample)
      expect([got.lid, got.component]).toEqual([row.lid, row.idx])
    }
  })

  it('swiss roll', () => {
    for (const row of golden.swiss_roll) {
      const got = pointOf(swissRoll(), [row.u_t, row.u_y])
      close(got.x, row.sample)
      expect(got.lid).toBe(2)
    }
  })

  it('simplex modes', () => {
    const { n, ambient, distance, modes } = golden.simplex_modes
    simplexModes(n, ambient, distance).forEach((mode, i) => {
      close(mode, modes[i])
    })
  })

  it('squiggle step', () => {
    const { x, frequency, kappa, mask1, mask2, rotation: turn, out } = golden.sinusoidal
    const row = Float64Array.from(x[0])
    squiggleStep({ frequency, kappa, keep: mask1, keepSign: mask2, rotation: Float64Array.from(turn.flat()) })(row)
    close(row, out[0])
  })

  it('linear maps', () => {
    const { raw_matrix: raw, polar_factor: polar, latent, ...expected } = golden.random_rotation_projection
    const z = Float64Array.from(latent)
    close(polarIsometry(raw.flat(), 4, 2), polar.flat())
    const out = new Float64Array(5)
    linearMap('random', replay(raw.flat()), 4, 2)(z, out, 0)
    close(out.subarray(0, 4), expected.random)
    linearMap('zero-pad', random(0), 4, 2)(z, out, 0)
    close(out.subarray(0, 4), expected.zero_pad)
    linearMap('repeat', random(0), 5, 2)(z, out, 0)
    close(out, expected.repeat_to_5)
  })
})

/**
 * The dimension of a manifold at a point is the rank of the map from random numbers to the point: an oracle that knows
 * nothing of the labels. Central differences with step 1e-6 leave about 1e-9 of the columns, so 1e-6 tells the ranks.
 */
function numericalDimension(source: Manifold, seed: number): { rank: number; lid: number } {
  const sampler = source.build(random(seed).fork('geometry'))
  const size = source.shape.reduce((a, b) => a * b, 1)
  const kept = record(random(seed).fork('point'))
  const component = sampler(kept.rng, new Float64Array(size), 0)
  const step = 1e-6
  const columns = kept.values.map((_, k) => {
    const at = (sign: number): Float64Array => {
      const out = new Float64Array(size)
      const moved = kept.values.map((value, j) => (j === k ? value + sign * step : value))
      // A moved draw may turn an acceptance; the extra draws are then never read, or a spare pair is there.
      sampler(replay([...moved, 0.5, 0.5, 0.5, 0.5], kept.integers), out, 0)
      return out
    }
    const [up, down] = [at(1), at(-1)]
    return up.map((value, i) => (value - down[i]!) / (2 * step))
  })
  return { rank: rank(columns, 1e-6), lid: source.dimensions[component]! }
}

describe('true dimensions equal the numerical rank of the parametrisation', () => {
  const sources: Manifold[] = [
    ...[lollipop(), swissRoll(), torusCircle(), sphere(1), sphere(4), kleinBottle(), vonMisesCircle()],
    ...[twoMoons(), twoCircles(), twoSpirals(), eightGaussians(), checkerboard(), pinwheel(), mondrian(9)],
    swissRoll({ noise: 0.1 }),
    multiscaleGaussian([1, 0.5, 0, 2]),
    projectedGaussians([0, 1, 3], 5),
    projected(lollipop(), 7),
    manifoldMixture({ ambient: 10, dimensions: [2, 4, 8] }),
    manifoldMixture({ ambient: 10, dimensions: [2, 4, 8], diffeomorphism: squiggly({ frequency: 1 }) }),
    manifoldMixture({
      ambient: 10,
      dimensions: [2, 4, 8],
      diffeomorphism: randomFlow({ hidden: 8 }),
      latent: 'normal',
    }),
    manifoldMixture({ ambient: 6, dimensions: [3], linear: 'repeat', latent: 'laplace' }),
    manifoldMixture({ ambient: 6, dimensions: [3], latent: 'normal-repeated' }),
    ...benchmarkSuite.map(benchmarkManifold),
  ]
  it.each(sources.map((source) => [source.name, source] as const))('%s', (_, source) => {
    for (let seed = 1; seed <= (source.dimensions.length > 1 ? 6 : 2); seed++) {
      const got = numericalDimension(source, seed)
      expect(got.rank, `seed ${seed}`).toBe(got.lid)
    }
  })
})

describe('laws', () => {
  // Shares and means of n draws are compared within 4.5 standard errors: a seed is fixed, so it passes or it does not.
  const n = 20_000

  it('the lollipop has 4/7 candy, 2/7 stick, 1/7 dot, and its candy is uniform in area', () => {
    const { points, component } = manifoldSet(lollipop(), { n, seed: 3 }).all()
    const share = (c: number): number => component.reduce((sum, v) => sum + (v === c ? 1 : 0), 0) / n
    for (const [c, p] of [
      [2, 4 / 7],
      [1, 2 / 7],
      [0, 1 / 7],
    ] as const)
      expect(Math.abs(share(c) - p)).toBeLessThan(4.5 * Math.sqrt((p * (1 - p)) / n))
    let inner = 0
    let candy = 0
    for (let i = 0; i < n; i++) {
      if (component[i] !== 2) continue
      candy += 1
      if (Math.hypot(points.get(i, 0) - 3, points.get(i, 1) - 3) < Math.SQRT1_2) inner += 1
    }
    expect(Math.abs(inner / candy - 0.5)).toBeLessThan(4.5 * Math.sqrt(0.25 / candy))
  })

  it('von Mises angles have mean resultant length I1(kappa) / I0(kappa)', () => {
    const { points } = manifoldSet(vonMisesCircle(), { n, seed: 1 }).all()
    let cosines = 0
    for (let i = 0; i < n; i++) cosines += points.get(i, 0) / n
    expect(Math.abs(cosines - 0.697774657964)).toBeLessThan(4.5 * Math.sqrt(0.17 / n)) // I1(2) / I0(2); var < 0.17
  })

  it('the Klein bottle is uniform in area', () => {
    // Share of the area with cos v > 0, by the midpoint rule on the area element.
    let [outer, total] = [0, 0]
    for (let k = 0; k < 10_000; k++) {
      const v = (2 * Math.PI * (k + 0.5)) / 10_000
      const element = Math.hypot(2 + Math.cos(v), Math.sin(v) / 2)
      total += element
      if (Math.cos(v) > 0) outer += element
    }
    const { points } = manifoldSet(kleinBottle(), { n, seed: 5 }).all()
    let found = 0
    for (let i = 0; i < n; i++) if (Math.hypot(points.get(i, 0), points.get(i, 1)) > 2) found += 1
    expect(Math.abs(found / n - outer / total)).toBeLessThan(4.5 * Math.sqrt(0.25 / n))
  })

  it('gamma and beta draws have the right means', () => {
    const rng = random(8)
    for (const a of [0.5, 2, 10]) {
      let sum = 0
      for (let i = 0; i < n; i++) sum += gamma(rng, a) / n
      expect(Math.abs(sum - a)).toBeLessThan(4.5 * Math.sqrt(a / n))
    }
    let sum = 0
    for (let i = 0; i < n; i++) sum += beta(rng, 10, 0.5) / n
    expect(Math.abs(sum - 10 / 10.5)).toBeLessThan(4.5 * Math.sqrt(5 / (10.5 ** 2 * 11.5) / n))
  })

  it('a multiscale Gaussian has the trace of its spectrum', () => {
    const { points } = manifoldSet(multiscaleGaussian([4, 1, 0.25], { threshold: 0.5 }), { n, seed: 2 }).all()
    const column = (j: number): Float64Array => Float64Array.from({ length: n }, (_, i) => points.get(i, j))
    const trace = [0, 1, 2].reduce((sum, j) => {
      const x = column(j)
      const mean = x.reduce((a, b) => a + b, 0) / n
      return sum + x.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1)
    }, 0)
    // Var of the trace estimate: 2 sum lambda^2 / n.
    expect(Math.abs(trace - 5.25)).toBeLessThan(4.5 * Math.sqrt((2 * (16 + 1 + 0.0625)) / n))
  })

  it('every face of a cube is as likely as another', () => {
    const { points } = manifoldSet(benchmarkManifold('M10a_Cubic'), { n, seed: 2 }).all()
    const faces = new Float64Array(22)
    for (let i = 0; i < n; i++)
      for (let j = 0; j < 11; j++) {
        const value = points.get(i, j)
        if (value === 0 || value === 1) faces[2 * j + value]! += 1
      }
    const expected = n / 22
    for (const count of faces) expect(Math.abs(count - expected)).toBeLessThan(4.5 * Math.sqrt(expected))
  })
})

describe('maps', () => {
  it('modes are equally far from their neighbours, in the simplex and on the circle', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 2, max: 6 }), (count, ambient) => {
        const modes = simplexModes(count, ambient, 7)
        for (let i = 0; i < count; i++) {
          const gap = modes[i]!.map((v, j) => v - modes[(i + 1) % count]![j]!)
          expect(Math.hypot(...gap)).toBeCloseTo(7, 9)
        }
      }),
    )
  })

  it('isometries and rotations keep lengths', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 6 }), fc.nat(), (d, more, seed) => {
        const z = Float64Array.from({ length: d }, (_, j) => j - 1.5)
        const length = Math.hypot(...z)
        const out = new Float64Array(d + more)
        linearMap('random-rotation', random(seed), d + more, d)(z, out, 0)
        expect(Math.hypot(...out)).toBeCloseTo(length, 10)
        for (const map of [randomRotation()(random(seed), d), rotation(d > 1 ? [0.3] : [])(random(seed), d)]) {
          const turned = z.slice()
          map(turned)
          expect(Math.hypot(...turned)).toBeCloseTo(length, 10)
        }
      }),
    )
  })

  it('Givens rotations turn their planes in order', () => {
    const x = Float64Array.of(1, 0, 0)
    rotation([Math.PI / 2, 0, Math.PI / 2])(random(0), 3)(x)
    close(x, [0, 0, 1]) // (0, 1) takes e0 to e1, then (1, 2) takes e1 to e2
  })

  it('polar factors of random matrices are isometries; a singular one is refused', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.nat(), (d, seed) => {
        const rng = random(seed)
        const rows = d + 2
        const a = Float64Array.from({ length: rows * d }, () => rng.normal())
        const q = polarIsometry(a, rows, d)
        for (let i = 0; i < d; i++)
          for (let j = 0; j < d; j++) {
            let dot = 0
            for (let r = 0; r < rows; r++) dot += q[r * d + i]! * q[r * d + j]!
            expect(dot).toBeCloseTo(i === j ? 1 : 0, 10)
          }
      }),
    )
    expect(() => polarIsometry([1, 2, 2, 4], 2, 2)).toThrow(/full column rank/)
  })

  it('splines increase, fix the ends and are the identity outside', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ min: -5, max: 5, noNaN: true }), { minLength: 11, maxLength: 11 }), (raw) => {
        expect(splineSize(4)).toBe(11)
        const params = Float64Array.from(raw)
        const at = (x: number): number => rationalQuadraticSpline(x, params, 4, 3)
        let before = at(-3)
        expect(before).toBe(-3)
        let rising = true
        for (let k = 1; k <= 200; k++) {
          const value = at(-3 + (6 * k) / 200)
          rising &&= value > before
          before = value
        }
        expect(rising).toBe(true)
        expect(at(3)).toBe(3)
        expect(Math.abs(at(3 - 1e-9) - 3)).toBeLessThan(1e-7)
        expect(at(4.5)).toBe(4.5)
      }),
    )
  })

  it.each([
    ['rqs', randomFlow({ hidden: 8, blocks: 1 })],
    ['affine', randomFlow({ hidden: 8, coupling: 'affine' })],
    ['additive', randomFlow({ hidden: 8, coupling: 'additive' })],
    ['squiggly', squiggly({ frequency: 1 })],
  ] as const)('%s maps have full rank and bend lines', (_, family) => {
    const map = family(random(4), 5)
    const at = (shift: number, j: number): Float64Array => {
      const x = Float64Array.of(0.1, -0.4, 0.8, 0.3, -0.9)
      x[j]! += shift
      map(x)
      return x
    }
    const columns = [0, 1, 2, 3, 4].map((j) => at(1e-6, j).map((v, i) => (v - at(-1e-6, j)[i]!) / 2e-6))
    expect(rank(columns, 1e-6)).toBe(5)
    const bend = [0, 1, 2, 3, 4].map((j) => at(0.5, j).map((v, i) => v + at(-0.5, j)[i]! - 2 * at(0, j)[i]!))
    expect(Math.max(...bend.flatMap((b) => [...b].map(Math.abs)))).toBeGreaterThan(1e-3)
  })

  it('additive flows preserve volume', () => {
    const map = randomFlow({ hidden: 8, coupling: 'additive' })(random(4), 2)
    const at = (x: number, y: number): Float64Array => {
      const out = Float64Array.of(x, y)
      map(out)
      return out
    }
    const h = 1e-6
    const [a, b, c, d] = [at(0.3 + h, 0.2), at(0.3 - h, 0.2), at(0.3, 0.2 + h), at(0.3, 0.2 - h)]
    const j = [
      (a[0]! - b[0]!) / (2 * h),
      (c[0]! - d[0]!) / (2 * h),
      (a[1]! - b[1]!) / (2 * h),
      (c[1]! - d[1]!) / (2 * h),
    ]
    expect(Math.abs(Math.abs(j[0]! * j[3]! - j[1]! * j[2]!) - 1)).toBeLessThan(1e-7) // differences leave 1e-9
  })
})

describe('manifoldSet', () => {
  const small = manifoldMixture({ ambient: 4, dimensions: [1, 3] })

  it('gives the same rows in any chunks, sizes and splits apart', () => {
    const whole = manifoldSet(small, { n: 700, seed: 9 }).all()
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 800 }), fc.integer({ min: 1, max: 700 }), (chunk, n) => {
        let at = 0
        for (const { points, lid, component } of manifoldSet(small, { n, seed: 9 }).chunks(chunk)) {
          const rows = component.length
          const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
            a.length === b.length && Array.from(a).every((value, i) => Object.is(value, b[i]))
          expect(same(flatData(points), flatData(whole.points).subarray(at * 4, (at + rows) * 4))).toBe(true)
          expect(same(lid, whole.lid.subarray(at, at + rows))).toBe(true)
          expect(same(component, whole.component.subarray(at, at + rows))).toBe(true)
          at += rows
        }
        expect(at).toBe(n)
      }),
      { numRuns: 25 },
    )
  })

  it('fixes geometry by the seed, and the points of a split by its name', () => {
    const first = (options: object): number[] => [
      ...manifoldSet(small, { n: 1, seed: 9, ...options }).all().points.data,
    ]
    expect(first({})).toEqual(first({}))
    expect(first({ split: 'validation' })).not.toEqual(first({}))
    expect(first({ seed: 0 })).not.toEqual(first({}))
    // One line in R^3: three points of two splits are collinear.
    const line = manifoldMixture({ ambient: 3, dimensions: [1] })
    const [a, b] = ['train', 'validation'].map((split) => manifoldSet(line, { n: 2, seed: 4, split }).all().points)
    const gaps = [0, 1].map((i) => Float64Array.from([0, 1, 2], (j) => b!.get(i, j) - a!.get(0, j)))
    expect(rank(gaps, 1e-9)).toBe(1)
  })

  it('has no repeated points in a hundred thousand', () => {
    const { points } = manifoldSet(sphere(1), { n: 100_000, seed: 1 }).all()
    const seen = new Set<number>()
    for (let i = 0; i < 100_000; i++) seen.add(points.get(i, 0))
    expect(seen.size).toBe(100_000)
  })

  it('standardises: exactly over the set, or by one map for all sizes', () => {
    const { points } = manifoldSet(small, { n: 500, seed: 9, standardize: 'set' }).all()
    for (let j = 0; j < 4; j++) {
      const x = Float64Array.from({ length: 500 }, (_, i) => points.get(i, j))
      const mean = x.reduce((a, b) => a + b, 0) / 500
      expect(Math.abs(mean)).toBeLessThan(1e-12)
      expect(x.reduce((a, b) => a + (b - mean) ** 2, 0) / 500).toBeCloseTo(1, 10)
    }
    const one = manifoldSet(small, { n: 10, seed: 9, standardize: true }).all().points
    const other = manifoldSet(small, { n: 300, seed: 9, standardize: true }).rows(0, 10).points
    expect(other.data).toEqual(one.data)
    expect(one.data).not.toEqual(manifoldSet(small, { n: 10, seed: 9 }).all().points.data)
  })

  it('standardises constant coordinates to 0', () => {
    const { points } = manifoldSet(benchmarkManifold('M13b_Spiral'), { n: 50, seed: 1, standardize: 'set' }).all()
    expect(points.get(7, 12)).toBe(0)
  })

  it('refuses rows outside the set and fractional sizes', () => {
    const set = manifoldSet(small, { n: 5 })
    expect(() => set.rows(3, 6)).toThrow(/0 <= from <= to <= 5/)
    expect(() => [...set.chunks(0)]).toThrow(/positive integer/)
    expect(() => manifoldSet(small, { n: 1.5 })).toThrow(/whole number/)
    expect(manifoldSet(small, { n: 0 }).all().points.shape).toEqual([0, 4])
  })
})

describe('names', () => {
  it('knows toys, the 24 of the standard suite, and the published benchmark', () => {
    expect(benchmarkSuite).toHaveLength(24)
    expect(manifoldNames()).toEqual(expect.arrayContaining(['lollipop', 'M1_Sphere', 'affine_100D_10d25d50d_uniform']))
    for (const name of manifoldNames().filter((name) => !/_(800|1000|2000)D_/.test(name)))
      expect(manifold(name, { n: 3, seed: 123 }).n).toBe(3)
  })

  it('reads sizes and dimensions off a name', () => {
    const set = manifold('affine_100D_10d25d50d_uniform', { n: 60, seed: 123 })
    expect([set.shape, set.dimensions]).toEqual([[100], [10, 25, 50]])
    const { points, lid } = set.all()
    expect([...new Set(lid)].sort()).toEqual([10, 25, 50])
    expect(points.shape).toEqual([60, 100])
    expect(manifold('squiggly_5_freq_10D_5d_laplace', { n: 1 }).dimensions).toEqual([5])
    expect(manifold('RQNSF_6D_2d_gaussian', { n: 1, flowBlocks: 1 }).all().lid).toEqual(Float64Array.of(2))
  })

  it('standardises named mixtures, but not large affine ones', () => {
    const spread = (name: string): number => {
      const { points } = manifold(name, { n: 400, seed: 1 }).all()
      const x = Float64Array.from({ length: 400 }, (_, i) => points.get(i, 0))
      const mean = x.reduce((a, b) => a + b, 0) / 400
      return Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / 400)
    }
    expect(spread('affine_10D_2d4d8d_uniform')).toBeCloseTo(1, 1)
    // Two modes 10 apart differ by 10 / sqrt 2 in this coordinate: the deviation is about half of that.
    expect(spread('affine_800D_1d2d_uniform')).toBeCloseTo(10 / Math.SQRT2 / 2, 1)
  })

  it('says what a name should look like', () => {
    for (const name of ['nonsense', 'affine_10D_uniform', 'squiggly_10D_2d_uniform', '__proto__', 'toString'])
      expect(() => manifold(name, { n: 1 }), name).toThrow(/manifold: expected a toy/)
    expect(() => manifold('affine_10D_11d_uniform', { n: 1 })).toThrow(/dimensions up to 10/)
    expect(lidBenchmark.large).toContain('affine_800D_10d80d200d_uniform')
  })

  it('refuses impossible recipes', () => {
    expect(() => benchmarkManifold('M14')).toThrow(/M1_Sphere/)
    expect(() => manifoldMixture({ ambient: 3, dimensions: [4] })).toThrow(/up to 3/)
    expect(() => manifoldMixture({ ambient: 3, dimensions: [1], weights: [-1] })).toThrow(/weights/)
    expect(() => manifoldMixture({ ambient: 3, dimensions: [1], latent: 'cauchy' as 'normal' })).toThrow(/latent law/)
    expect(() => simplexModes(2, 1, 1)).toThrow(/2 ambient/)
    expect(() => squiggly({ frequency: 0 })).toThrow(/frequency/)
    expect(() => randomFlow({ coupling: 'cubic' as 'rqs' })).toThrow(/coupling/)
    expect(() => multiscaleGaussian([-1])).toThrow(/variances/)
    expect(() => mondrian(8)).toThrow(/at least 9/)
    expect(() => rotation([1, 2])(random(0), 2)).toThrow(/at most 1/)
  })
})
