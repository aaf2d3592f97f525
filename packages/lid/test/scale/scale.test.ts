// Choosing a scale: golden bisection traces, hand-made curves for the other rules, and errors.
import { tensor } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bisectScale,
  defaultScales,
  type FlowArtifact,
  fixedScale,
  gridScale,
  kneeScale,
  linspace,
  plateauScale,
  type TrainingCurve,
  thresholdLid,
  trainingLid,
} from '../../src/index.ts'
import { linearFlow } from '../linear-flow.ts'
import { vector } from '../vectors.ts'

interface Golden {
  eigenvalues: number[][]
  l: number
  r: number
  steps: number
  result: Record<string, { scale: number; mean_lid_at_scale: number; first5: [number, number][] }>
  curve_calibration: { grid: number[]; target: number; mean_lids: number[]; best: number }
}
const golden = vector<Golden>('scale_selection')
const estimator = thresholdLid(linearFlow([[1]], [0]))

/** An artifact with the given eigenvalues: a diagonal metric is tridiagonal already. */
function artifactOf(eigenvalues: number[][]): FlowArtifact {
  const n = eigenvalues.length
  const d = eigenvalues[0]!.length
  return {
    diagonal: tensor(Float64Array.from(eigenvalues.flat()), [n, d]),
    offDiagonal: tensor(new Float64Array(n * (d - 1)), [n, d - 1]),
    rotated: tensor(new Float64Array(n * d), [n, d]),
  }
}

describe('scale selection against the golden vector', () => {
  it('bisection reproduces every trace', () => {
    const { eigenvalues, l, r, steps, result } = golden
    const training = trainingLid(estimator, artifactOf(eigenvalues), 4)
    expect(Object.keys(result).length).toBe(4)
    for (const [target, want] of Object.entries(result)) {
      const got = bisectScale(training.meanLidAt, Number(target), { lower: l, upper: r, steps })
      expect(got.scale).toBe(want.scale)
      expect(got.meanLid).toBeCloseTo(want.mean_lid_at_scale, 12)
      expect(got.trace.length).toBe(steps)
      want.first5.forEach(([scale, lid], i) => {
        expect(got.trace[i]!.scale).toBe(scale)
        expect(got.trace[i]!.meanLid).toBeCloseTo(lid, 12)
      })
    }
  })

  it('grid calibration takes the first of the nearest', () => {
    const { eigenvalues, curve_calibration: want } = golden
    const curve = trainingLid(estimator, artifactOf(eigenvalues), 4).curve(defaultScales())
    curve.scales.forEach((scale, i) => {
      expect(scale).toBeCloseTo(want.grid[i]!, 14)
      expect(curve.meanLid[i]).toBeCloseTo(want.mean_lids[i]!, 12)
    })
    expect(gridScale(curve, want.target).scale).toBeCloseTo(want.best, 14)
  })
})

describe('bisectScale', () => {
  it('finds the crossing of a falling curve, and shows by how much it misses an unreachable target', () => {
    const lid = (scale: number): number => 10 / (1 + Math.exp(scale - 1.7))
    // 40 / 2^21 is the half width of the last interval; the slope at the crossing is 2.5.
    expect(bisectScale(lid, 5).scale).toBeCloseTo(1.7, 4)
    expect(bisectScale(lid, 12).diagnostics.error).toBeCloseTo(-2, 6)
  })

  it('lands within one last interval of the crossing of any falling curve', () => {
    fc.assert(
      fc.property(fc.double({ min: -15, max: 15, noNaN: true }), (crossing) => {
        const { scale } = bisectScale((s) => (s <= crossing ? 5 : 1), 3)
        expect(Math.abs(scale - crossing)).toBeLessThanOrEqual(40 / 2 ** 20)
      }),
    )
  })

  it('refuses targets and intervals that make no sense', () => {
    expect(() => bisectScale(() => 1, Number.NaN)).toThrow('bisectScale target: expected a finite number, got NaN')
    expect(() => bisectScale(() => 1, 1, { lower: 2, upper: 1 })).toThrow('bisectScale: expected lower < upper')
    expect(() => bisectScale(() => 1, 1, { steps: 0 })).toThrow('bisectScale steps')
  })
})

describe('plateauScale', () => {
  const curve = (meanLid: number[], dimension = 10): TrainingCurve => ({
    scales: linspace(0, meanLid.length - 1, meanLid.length),
    meanLid: Float64Array.from(meanLid),
    dimension,
  })

  it('takes the middle of the longest flat window, leaving out D and 0', () => {
    const choice = plateauScale(curve([10, 10, 10, 10, 10, 8, 4, 3.9, 3.8, 3.7, 1, 0, 0, 0, 0, 0]))
    expect(choice.scale).toBe(7.5)
    expect(choice.diagnostics).toMatchObject({ from: 6, to: 9, length: 4 })
    expect(choice.meanLid).toBeCloseTo(3.85, 12)
  })

  it('is strict about the tolerance and takes the first of equally long windows', () => {
    expect(plateauScale(curve([9, 8, 7])).diagnostics.length).toBe(1)
    expect(plateauScale(curve([9, 8.5, 5, 4.5])).scale).toBe(0.5)
    expect(plateauScale(curve([9, 8, 7]), { tolerance: 1.5 }).diagnostics.length).toBe(2)
  })

  it('refuses a curve that is D or 0 everywhere', () => {
    expect(() => plateauScale(curve([10, 10, 0, 0]))).toThrow('strictly between 0 and 10 at some scale, got none')
  })

  it('finds the plateau of a two-level spectrum on the reference grid', () => {
    // 3 singular values of 1 and 7 of e^-9: LID is 3 for -9 <= s < 0, whose centre is -4.5.
    const row = [1, 1, 1, ...Array(7).fill(Math.exp(-18))]
    const training = trainingLid(estimator, artifactOf([row]), 10)
    const choice = plateauScale(training.curve(linspace(-20, 20, 100)))
    expect(choice.meanLid).toBe(3)
    expect(Math.abs(choice.scale + 4.5)).toBeLessThan(0.41) // one grid step
  })
})

describe('kneeScale', () => {
  const sigmoid = (s: number): number => 100 / (1 + Math.exp(2 * (s + 3)))

  it('finds the corner of a piecewise linear fall', () => {
    // Falls from 100 at s = -5 to 10 at s = -2, then slowly to 0 at s = 5: the lower corner is -2.
    const scales = linspace(-5, 5, 101)
    const meanLid = scales.map((s) => (s <= -2 ? 100 - 30 * (s + 5) : 10 - (10 / 7) * (s + 2)))
    const choice = kneeScale({ scales, meanLid, dimension: 100 }, { trim: 0 })
    expect(choice.scale).toBeCloseTo(-2, 10)
    expect(choice.meanLid).toBeCloseTo(10, 8)
  })

  it('finds both bends of a sigmoid, symmetric about its middle', () => {
    const at = (bend: 'lower' | 'upper', grid: Float64Array): number =>
      kneeScale({ scales: grid, meanLid: grid.map(sigmoid), dimension: 100 }, { bend }).scale
    const grid = linspace(-10, 4, 281)
    const [lower, upper] = [at('lower', grid), at('upper', grid)]
    expect(lower).toBeGreaterThan(-3)
    expect(lower + 3).toBeCloseTo(-3 - upper, 1)
  })

  it('does not depend on how far the grid reaches beyond the fall', () => {
    const near = linspace(-8, 2, 201)
    const far = linspace(-20, 20, 801)
    const at = (scales: Float64Array): number =>
      kneeScale({ scales, meanLid: scales.map(sigmoid), dimension: 100 }).scale
    expect(at(far)).toBeCloseTo(at(near), 10)
  })

  it('takes the first of two knees that each fall away, and the global one when insensitive', () => {
    const scales = linspace(0, 10, 101)
    // Two drops: 100 to 60 by x = 1, slowly to 55 by x = 5, to 5 by x = 6, slowly to 0.
    const meanLid = scales.map((x) =>
      x <= 1 ? 100 - 40 * x : x <= 5 ? 60 - 1.25 * (x - 1) : x <= 6 ? 55 - 50 * (x - 5) : 5 - 1.25 * (x - 6),
    )
    const curve = { scales, meanLid, dimension: 100 }
    expect(kneeScale(curve, { trim: 0 }).scale).toBeCloseTo(1, 10)
    expect(kneeScale(curve, { trim: 0, sensitivity: 100 }).scale).toBeCloseTo(6, 10)
  })

  it('refuses curves without a bend or a fall', () => {
    const scales = linspace(0, 1, 11)
    const of = (meanLid: Float64Array): TrainingCurve => ({ scales, meanLid, dimension: 10 })
    expect(() => kneeScale(of(scales.map((s) => 9 - 2 * s * s)))).toThrow('expected a curve with a lower bend')
    expect(() => kneeScale(of(scales.map(() => 5)))).toThrow('kneeScale: expected a falling curve')
    const rounding = scales.map((_, i) => 5.1 - (i > 4 ? 1e-15 : 0))
    expect(() => kneeScale(of(rounding))).toThrow('kneeScale: expected a falling curve')
    expect(() => kneeScale(of(scales.map(() => 10)))).toThrow('kneeScale: expected at least 3 scales')
  })
})

describe('training views', () => {
  const training = trainingLid(
    estimator,
    artifactOf([
      [1, 4],
      [1, 0.25],
    ]),
    2,
    Float64Array.of(-3, -4),
  )

  it('give LIDs, their mean and curves of training points', () => {
    expect([...training.lidAt(-1e-9)]).toEqual([2, 1])
    expect(training.meanLidAt(-1e-9)).toBe(1.5)
    expect([...training.curve([-5, 0.1, 5]).meanLid]).toEqual([2, 0.5, 0])
    expect(training.logProb).toEqual(Float64Array.of(-3, -4))
  })

  it('refuse scales out of order and empty artifacts', () => {
    expect(() => training.curve([1, 0])).toThrow('trainingLid curve scales: expected increasing scales')
    expect(() => trainingLid(estimator, artifactOf([[1]]), 0)).toThrow('trainingLid dimension: expected at least 1')
    const none: FlowArtifact = {
      diagonal: tensor(new Float64Array(0), [0, 2]),
      offDiagonal: tensor(new Float64Array(0), [0, 1]),
      rotated: tensor(new Float64Array(0), [0, 2]),
    }
    expect(() => trainingLid(estimator, none, 2).meanLidAt(0)).toThrow('training lid: expected at least one number')
  })

  it('fixedScale is -3 unless told', () => {
    expect(fixedScale()).toMatchObject({ scale: -3, rule: 'fixed', meanLid: null, trace: [] })
    expect(() => fixedScale(Number.NaN)).toThrow('fixedScale: expected a finite number, got NaN')
  })
})
