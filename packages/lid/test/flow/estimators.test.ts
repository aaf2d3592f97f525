// Threshold LID, fast flow LIDL and log convolution on the linear Gaussian flow, where all of them are exact.
import { random, type TridiagonalMetric, tensor } from '@ood/core'
import { symmetricEigenvalues } from '@ood/linalg'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  defaultScales,
  fastFlowLidl,
  gapDimension,
  lidCurve,
  lidlDimension,
  logConvolution,
  meanLogThin,
  thresholdDimension,
  thresholdLid,
} from '../../src/index.ts'
import { linearFlow, solve } from '../linear-flow.ts'
import { vector } from '../vectors.ts'

interface Golden {
  A: number[][]
  b: number[]
  x0: number[]
  eigenvalues_ascending: number[]
  rows: {
    log_scale: number
    jacobian_threshold_lid: number
    fast_flow_lidl: number
    log_gaussian_convolution: number
  }[]
  gap_rule: { reference_value_with_its_ascending_order_bug: number; corrected_value: number }
  log_prob_x0: number
}
const golden = vector<Golden>('flow_linear')

/** A random well-conditioned flow with singular values spread over several orders of magnitude. */
function randomFlow(seed: number, d: number): { A: number[][]; flow: ReturnType<typeof linearFlow>; b: number[] } {
  const rng = random(seed)
  const A = Array.from({ length: d }, (_, i) =>
    Array.from({ length: d }, (_, j) => (rng.normal() * 0.3 + (i === j ? 1 : 0)) * 10 ** (-(2 * j) / d)),
  )
  const b = Array.from({ length: d }, () => rng.normal())
  return { A, b, flow: linearFlow(A, b) }
}

function points(seed: number, n: number, d: number): ReturnType<typeof tensor> {
  const rng = random(seed)
  return tensor(
    Float64Array.from({ length: n * d }, () => rng.normal()),
    [n, d],
  )
}

/** log N(x; b, A Aᵀ + v I) by Gaussian elimination: shares no code with the estimators. */
function logDensity(A: number[][], b: number[], x: number[], v: number): number {
  const d = b.length
  const C = A.map((row, i) => A.map((other, j) => row.reduce((s, a, k) => s + a * other[k]!, 0) + (i === j ? v : 0)))
  const r = x.map((value, i) => value - b[i]!)
  const quadratic = solve(C, r).reduce((s, y, i) => s + y * r[i]!, 0)
  let logDet = 0
  const rows = C.map((row) => [...row])
  for (let k = 0; k < d; k++) {
    logDet += Math.log(rows[k]![k]!)
    for (let i = k + 1; i < d; i++) {
      const f = rows[i]![k]! / rows[k]![k]!
      for (let j = k; j < d; j++) rows[i]![j]! -= f * rows[k]![j]!
    }
  }
  return -0.5 * (d * Math.log(2 * Math.PI) + logDet + quadratic)
}

describe('flow LID against the golden vector', () => {
  it('threshold, LIDL, log convolution and gap rule', async () => {
    const { A, b, x0, rows, gap_rule, log_prob_x0 } = golden
    const flow = linearFlow(A, b)
    const artifact = await thresholdLid(flow).prepare(tensor(Float64Array.from(x0), [1, 3]))
    for (const row of rows) {
      expect(thresholdLid(flow).lid(artifact, row.log_scale)[0]).toBe(row.jacobian_threshold_lid)
      // Bounds of 1e-7 and 1e-6: the smallest eigenvalue carries 1e-16 / 6e-4 relative rounding.
      expect(fastFlowLidl(flow).lid(artifact, row.log_scale)[0]).toBeCloseTo(row.fast_flow_lidl, 8)
      expect(logConvolution(artifact, row.log_scale)[0]).toBeCloseTo(row.log_gaussian_convolution, 8)
    }
    expect(gapDimension(artifact)[0]).toBe(gap_rule.corrected_value)
    expect(gapDimension(artifact, { compat: 'reference' })[0]).toBe(
      gap_rule.reference_value_with_its_ascending_order_bug,
    )
    // At δ -> -∞ the log convolution is the flow's own log-density.
    expect(logConvolution(artifact, -30)[0]).toBeCloseTo(log_prob_x0, 8)
    expect(fastFlowLidl(flow).lid(artifact, 40)[0]).toBeCloseTo(0, 12)
  })

  it('reference clamping changes nothing below 10^4.5', async () => {
    const { A, b, x0, rows } = golden
    const estimator = thresholdLid(linearFlow(A, b), { compat: 'reference' })
    const artifact = await estimator.prepare(tensor(Float64Array.from(x0), [1, 3]))
    for (const row of rows) expect(estimator.lid(artifact, row.log_scale)[0]).toBe(row.jacobian_threshold_lid)
  })
})

describe('flow LID on random linear flows', () => {
  it('LIDL is D + d log N(x; b, AAᵀ + e^{2δ} I) / dδ, by central differences', async () => {
    const { A, b, flow } = randomFlow(7, 6)
    const x = points(8, 4, 6)
    const artifact = await fastFlowLidl(flow).prepare(x)
    const h = 1e-4
    for (const delta of [-5, -3, -2, -1, 0, 1.5]) {
      const lid = lidlDimension(artifact, delta)
      for (let i = 0; i < 4; i++) {
        const row = Array.from({ length: 6 }, (_, j) => x.get(i, j))
        const at = (s: number): number => logDensity(A, b, row, Math.exp(2 * s))
        expect(logConvolution(artifact, delta)[i]).toBeCloseTo(at(delta), 7)
        // Truncation h² f''' / 6 is about 1e-8 f''' and rounding 1e-15 |log p| / h about 1e-10: 1e-5 relative is generous.
        const slope = (at(delta + h) - at(delta - h)) / (2 * h)
        expect(Math.abs(lid[i]! - (6 + slope))).toBeLessThan(1e-5 * Math.max(1, Math.abs(slope)))
      }
    }
  })

  it('log convolution tends to the exact log-density of the flow', async () => {
    const { flow } = randomFlow(11, 5)
    const x = points(12, 3, 5)
    const { instance } = await flow.logProb(x)
    const artifact = await thresholdLid(flow).prepare(x)
    logConvolution(artifact, -15).forEach((value, i) => {
      // v = 9e-14 beside eigenvalues of about 1e-4 and up: 1e-9 relative.
      expect(Math.abs(value / instance[i]! - 1)).toBeLessThan(1e-9)
    })
  })

  it('threshold LID counts singular values, never rises, runs from D to 0', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 1e6 }), async (d, seed) => {
        const { A, flow } = randomFlow(seed, d)
        const estimator = thresholdLid(flow)
        const artifact = await estimator.prepare(points(seed + 1, 2, d))
        const curve = lidCurve(estimator, artifact)
        const M = Float64Array.from({ length: d * d }, (_, at) =>
          A.reduce((s, row) => s + row[Math.floor(at / d)]! * row[at % d]!, 0),
        )
        const eigenvalues = symmetricEigenvalues(M, d)
        const scales = defaultScales()
        for (let j = 0; j < 50; j++) {
          expect(curve.get(0, j)).toBe(curve.get(1, j)) // the Jacobian is the same everywhere
          expect(curve.get(0, j)).toBe(eigenvalues.filter((value) => value > Math.exp(2 * scales[j]!)).length)
          if (j > 0) expect(curve.get(0, j)).toBeLessThanOrEqual(curve.get(0, j - 1))
        }
        expect(estimator.lid(artifact, -100)[0]).toBe(d)
        expect(estimator.lid(artifact, Number.NEGATIVE_INFINITY)[0]).toBe(d)
        expect(estimator.lid(artifact, 100)[0]).toBe(0)
      }),
      { numRuns: 15 },
    )
  })

  it('LIDL at typical latents agrees with Σ λ/(λ+v) on average', async () => {
    // E[v Σ λ z² / (λ+v)²] over z ~ N(0, I) is v Σ λ / (λ+v)²; with 1000 points the mean is within 4 standard errors.
    const { A, b, flow } = randomFlow(3, 4)
    const z = points(4, 1000, 4)
    const x = await flow.decode(z)
    const lid = lidlDimension(await fastFlowLidl(flow).prepare(x), -1)
    const v = Math.exp(-2)
    const M = Float64Array.from({ length: 16 }, (_, at) =>
      A.reduce((s, row) => s + row[Math.floor(at / 4)]! * row[at % 4]!, 0),
    )
    const want = symmetricEigenvalues(M, 4).reduce((s, l) => s + l / (l + v) + (v * l) / (l + v) ** 2, 0)
    const mean = lid.reduce((s, value) => s + value, 0) / 1000
    const deviation = Math.sqrt(lid.reduce((s, value) => s + (value - mean) ** 2, 0) / 999)
    expect(Math.abs(mean - want)).toBeLessThan((4 * deviation) / Math.sqrt(1000))
    expect(b.length).toBe(4)
  })
})

describe('flow LID edges', () => {
  const diagonalFlow = (values: number[]): ReturnType<typeof linearFlow> =>
    linearFlow(
      values.map((value, i) => values.map((_, j) => (i === j ? value : 0))),
      values.map(() => 0),
    )

  it('is strict: a singular value equal to e^s does not count', async () => {
    const flow = diagonalFlow([1, 2])
    const artifact = await thresholdLid(flow).prepare(tensor(new Float64Array(2), [1, 2]))
    expect(thresholdDimension(artifact, 0)[0]).toBe(1)
    expect(thresholdDimension(artifact, -1e-12)[0]).toBe(2)
  })

  it('counts every direction below e^{2s} = 1e-20, also of a singular metric', () => {
    const artifact: TridiagonalMetric = {
      diagonal: tensor(Float64Array.of(1, 0), [1, 2]),
      offDiagonal: tensor(Float64Array.of(0), [1, 1]),
      rotated: tensor(Float64Array.of(0, 0), [1, 2]),
    }
    expect(thresholdDimension(artifact, -23)[0]).toBe(1)
    expect(thresholdDimension(artifact, -23.1)[0]).toBe(2)
    // LIDL of a singular metric tends to its rank.
    expect(lidlDimension(artifact, -30)[0]).toBeCloseTo(1, 12)
  })

  it('gap rule takes the first of equal gaps and 1 in one dimension', () => {
    const of = (eigenvalues: number[]): number =>
      gapDimension({
        diagonal: tensor(Float64Array.from(eigenvalues), [1, eigenvalues.length]),
        offDiagonal: tensor(new Float64Array(eigenvalues.length - 1), [1, eigenvalues.length - 1]),
        rotated: tensor(new Float64Array(eigenvalues.length), [1, eigenvalues.length]),
      })[0]!
    expect(of([3])).toBe(1)
    expect(of([3, 2, 1])).toBe(1)
    expect(of([0.2, 10, 0.1, 9.9])).toBe(2)
  })

  it('reference clamping cuts entries of JᵀJ at 10^4.5', async () => {
    const flow = diagonalFlow([1000, 1])
    const x = tensor(new Float64Array(2), [1, 2])
    const exact = await thresholdLid(flow).prepare(x)
    const clamped = await thresholdLid(flow, { compat: 'reference' }).prepare(x)
    const scale = Math.log(500)
    expect(thresholdDimension(exact, scale)[0]).toBe(1)
    expect(thresholdDimension(clamped, scale)[0]).toBe(0) // sqrt(10^4.5) = 177.8
    expect(thresholdDimension(clamped, Math.log(177))[0]).toBe(1)
  })

  it('meanLogThin averages log singular values below the scale', async () => {
    const artifact = await thresholdLid(diagonalFlow([2, 0.01, 0.0001])).prepare(tensor(new Float64Array(3), [1, 3]))
    expect(meanLogThin(artifact, 0)).toBeCloseTo(Math.log(1e-3), 10)
    expect(() => meanLogThin(artifact, -20)).toThrow('meanLogThin: expected singular values below')
  })

  it('refuses a NaN scale', async () => {
    const artifact = await thresholdLid(diagonalFlow([1])).prepare(tensor(new Float64Array(1), [1, 1]))
    for (const read of [thresholdDimension, lidlDimension, logConvolution])
      expect(() => read(artifact, Number.NaN)).toThrow('expected a number (log of a standard deviation), got NaN')
  })
})
