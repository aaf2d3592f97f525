// The standard suite of manifolds with known dimension (Hein and Audibert 2005; Rozza et al. 2012; Campadelli et al. 2015).
import { type Random, unknownName } from '@ood/core'
import { angle, beta, exponential } from './internal/points.ts'
import type { Manifold } from './types.ts'

interface Entry {
  /** True dimension d and ambient dimension D. */
  d: number
  ambient: number
  draw: (rng: Random) => readonly number[]
}

const uniforms = (rng: Random, n: number): number[] => Array.from({ length: n }, () => rng.uniform())

/** M4, M6, M8: each u_i turns the pair (cos, sin) of radius u_(i+1), the whole repeated to D numbers. */
function nonlinear(d: number, ambient: number): Entry {
  return {
    d,
    ambient,
    draw: (rng) => {
      const u = uniforms(rng, d)
      const once = u.flatMap((value, i) => {
        const radius = u[(i + 1) % d]!
        return [radius * Math.cos(2 * Math.PI * value), radius * Math.sin(2 * Math.PI * value)]
      })
      return Array.from({ length: ambient }, (_, j) => once[j % once.length]!)
    },
  }
}

/** M10: the surface of the unit cube in R^(d+1): a random face, uniform on it. */
function cubic(d: number): Entry {
  return {
    d,
    ambient: d + 1,
    draw: (rng) => {
      const x = uniforms(rng, d + 1)
      x[rng.integer(d + 1)] = rng.uniform() < 0.5 ? 0 : 1
      return x
    },
  }
}

/** Mn: y_i = tan(x_i cos x_(d-1-i)), z_i = atan(x_(d-1-i) sin x_i) of uniform x, both twice. */
function campadelli(d: number): Entry {
  return {
    d,
    ambient: 4 * d,
    draw: (rng) => {
      const x = uniforms(rng, d)
      const y = x.map((value, i) => Math.tan(value * Math.cos(x[d - 1 - i]!)))
      const z = x.map((value, i) => Math.atan(x[d - 1 - i]! * Math.sin(value)))
      return [...y, ...z, ...y, ...z]
    },
  }
}

/** Mp: a paraboloid over multivariate Burr (alpha 1) points x in R^d: (x, |x|²), its sines and its squares. */
function paraboloid(d: number): Entry {
  return {
    d,
    ambient: 3 * (d + 1),
    draw: (rng) => {
      const shared = exponential(rng)
      const x = Array.from({ length: d }, () => 1 / (1 + exponential(rng) / shared))
      x.push(x.reduce((sum, value) => sum + value * value, 0))
      return [...x, ...x.map(Math.sin), ...x.map((value) => value * value)]
    },
  }
}

const ENTRIES: Readonly<Record<string, Entry>> = {
  M1_Sphere: {
    d: 10,
    ambient: 11,
    draw: (rng) => {
      const x = Array.from({ length: 11 }, () => rng.normal())
      const norm = Math.hypot(...x)
      return x.map((value) => value / norm)
    },
  },
  M2_Affine_3to5: {
    d: 3,
    ambient: 5,
    draw: (rng) => {
      const [a, b, c] = uniforms(rng, 3).map((value) => 4 * value) as [number, number, number]
      return [
        1.2 * a - 0.5 * b + 3,
        0.5 * a + 0.9 * b - 1,
        -0.5 * a - 0.2 * b + c,
        0.4 * a - 0.9 * b - 0.1 * c,
        1.1 * a - 0.3 * b + 8,
      ]
    },
  },
  M3_Nonlinear_4to6: {
    d: 4,
    ambient: 6,
    draw: (rng) => {
      const [a, b, c, e] = uniforms(rng, 4) as [number, number, number, number]
      return [
        b * b * Math.cos(2 * Math.PI * a),
        c * c * Math.sin(2 * Math.PI * a),
        b + c + (b - e) ** 2,
        b - 2 * c + (a - e) ** 2,
        -b - 2 * c + (c - e) ** 2,
        a * a - b * b + c * c - e * e,
      ]
    },
  },
  M4_Nonlinear: nonlinear(4, 8),
  M5a_Helix1d: {
    d: 1,
    ambient: 3,
    draw: (rng) => {
      const t = angle(rng)
      const ring = 2 + Math.cos(8 * t)
      return [ring * Math.cos(t), ring * Math.sin(t), Math.sin(8 * t)]
    },
  },
  M5b_Helix2d: {
    d: 2,
    ambient: 3,
    draw: (rng) => {
      const r = 10 * Math.PI * rng.uniform()
      const p = 10 * Math.PI * rng.uniform()
      return [r * Math.cos(p), r * Math.sin(p), 0.5 * p]
    },
  },
  M6_Nonlinear: nonlinear(6, 36),
  M7_Roll: {
    d: 2,
    ambient: 3,
    draw: (rng) => {
      const t = 1.5 * Math.PI * (1 + 2 * rng.uniform())
      return [t * Math.cos(t), 21 * rng.uniform(), t * Math.sin(t)]
    },
  },
  M8_Nonlinear: nonlinear(12, 72),
  M9_Affine: { d: 20, ambient: 20, draw: (rng) => uniforms(rng, 20).map((value) => 5 * value - 2.5) },
  M10a_Cubic: cubic(10),
  M10b_Cubic: cubic(17),
  M10c_Cubic: cubic(24),
  M10d_Cubic: cubic(70),
  M11_Moebius: {
    d: 2,
    ambient: 3,
    draw: (rng) => {
      const phi = angle(rng)
      const r = 2 * rng.uniform() - 1
      const ring = 1 + 0.5 * r * Math.cos(5 * phi)
      return [ring * Math.cos(phi), ring * Math.sin(phi), 0.5 * r * Math.sin(5 * phi)]
    },
  },
  M12_Norm: { d: 20, ambient: 20, draw: (rng) => Array.from({ length: 20 }, () => rng.normal()) },
  M13a_Scurve: {
    d: 2,
    ambient: 3,
    draw: (rng) => {
      const t = 3 * Math.PI * (rng.uniform() - 0.5)
      return [Math.sin(t), 2 * rng.uniform(), Math.sign(t) * (Math.cos(t) - 1)]
    },
  },
  M13b_Spiral: {
    d: 1,
    ambient: 13,
    draw: (rng) => {
      const t = 10 * Math.PI * rng.uniform()
      return [100 * Math.cos(t), 100 * Math.sin(t), t, ...new Array<number>(10).fill(0)]
    },
  },
  Mbeta: {
    d: 10,
    ambient: 40,
    draw: (rng) => {
      const x = Array.from({ length: 10 }, () => beta(rng, 10, 0.5))
      const y = x.map((value) => value * Math.sin(Math.cos(2 * Math.PI * value)))
      const z = x.map((value) => value * Math.cos(Math.sin(2 * Math.PI * value)))
      return [...y, ...z, ...y, ...z]
    },
  },
  Mn1_Nonlinear: campadelli(18),
  Mn2_Nonlinear: campadelli(24),
  Mp1_Paraboloid: paraboloid(3),
  Mp2_Paraboloid: paraboloid(6),
  Mp3_Paraboloid: paraboloid(9),
}

/** Names of the standard suite, the 24 sets of scikit-dimension's `BenchmarkManifolds`. */
export const benchmarkSuite: readonly string[] = Object.keys(ENTRIES)

/**
 * A manifold of the standard suite by name, with the dimensions of the literature. Points are i.i.d. (scikit-dimension
 * fills the faces of the cubes in turn, so its first n points miss the last faces; here every face is equally likely).
 *
 * @throws OodError `E_UNKNOWN_NAME`
 * @example
 * manifoldSet(benchmarkManifold('M1_Sphere'), { n: 2500, seed: 1 }).all().lid // 10 everywhere
 */
export function benchmarkManifold(name: string): Manifold {
  const entry = ENTRIES[name]
  if (!entry) throw unknownName('benchmark manifold', name, benchmarkSuite)
  const { d, ambient, draw } = entry
  return {
    name,
    shape: [ambient],
    dimensions: [d],
    build: () => (rng, out, at) => {
      out.set(draw(rng), at)
      return 0
    },
  }
}
