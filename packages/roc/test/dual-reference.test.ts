// compat 'reference': golden vectors and the literal slow algorithm.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { vector } from '../../../tools/vectors.ts'
import { auc, auroc, dualAuroc, dualOperatingPoints, dualRoc, paretoFrontier } from '../src/index.ts'
import { type ReferenceScores, referenceDualRoc } from './reference-dual-roc.ts'
import { dualScores, expectClose } from './support.ts'

interface VectorCase {
  name: string
  pos_x: number[]
  neg_x: number[]
  pos_y: number[] | null
  neg_y: number[] | null
  n_roc_points: number
  auc: number
  mann_whitney_auc_of_x_only: number
  mann_whitney_auc_of_y_only?: number
  upper_staircase: [number, number][]
  step_auc_left: number
  roc_points?: [number, number][]
  pareto_points?: [number, number][]
}

const { cases } = vector<{ cases: VectorCase[] }>('dgm/roc_pareto_auc')
/** The accuracy asked for; both sides divide the same whole numbers, so the points are in fact equal. */
const TOLERANCE = 1e-12

type Point = readonly [number, number]

function zip(curve: { falsePositiveRate: Float64Array; truePositiveRate: Float64Array }): Point[] {
  return Array.from(curve.falsePositiveRate, (fpr, i) => [fpr, curve.truePositiveRate[i]!] as const)
}

function withoutRepeats(points: readonly Point[]): Point[] {
  return points.filter(([x, y], i) => i === 0 || x !== points[i - 1]![0] || y !== points[i - 1]![1])
}

/** A missing y is a constant, as in the reference. */
function columns(scores: ReferenceScores): { x: number[]; y: number[] } {
  return { x: Array.from(scores.x), y: scores.y ? Array.from(scores.y) : Array.from(scores.x, () => 1) }
}

/** Everything the reference produces, from the fast code and from the slow one. */
function compare(positives: ReferenceScores, negatives: ReferenceScores): void {
  const slow = referenceDualRoc(positives, negatives)
  const [pos, neg] = [columns(positives), columns(negatives)]
  const points = dualOperatingPoints(pos, neg)
  expect(zip(points)).toEqual(slow.points)
  expect(zip(paretoFrontier(points, { compat: 'reference' }))).toEqual(slow.frontier)
  const curve = dualRoc(pos, neg, { compat: 'reference' })
  expect(zip(curve)).toEqual(withoutRepeats(slow.frontier))
  expectClose(dualAuroc(pos, neg, { compat: 'reference' }), slow.auc, TOLERANCE)
  // The thresholds reach what they claim.
  const share = ({ x, y }: { x: number[]; y: number[] }, i: number): number =>
    x.filter((v, k) => v >= curve.thresholdX[i]! && y[k]! >= curve.thresholdY[i]!).length
  for (let i = 0; i < curve.thresholdX.length; i++) {
    expect([share(neg, i), share(pos, i)]).toEqual([curve.falsePositives[i], curve.truePositives[i]])
  }
}

describe('golden vector roc_pareto_auc', () => {
  it.each(cases)('$name', (vector) => {
    const positives = { x: vector.pos_x, y: vector.pos_y }
    const negatives = { x: vector.neg_x, y: vector.neg_y }
    const [pos, neg] = [columns(positives), columns(negatives)]
    const points = dualOperatingPoints(pos, neg)
    expect(points.falsePositiveRate.length).toBe(vector.n_roc_points)
    if (vector.roc_points) expect(zip(points)).toEqual(vector.roc_points)
    const frontier = paretoFrontier(points, { compat: 'reference' })
    if (vector.pareto_points) expect(zip(frontier)).toEqual(vector.pareto_points)
    expectClose(auc(frontier.falsePositiveRate, frontier.truePositiveRate), vector.auc, TOLERANCE)
    expectClose(dualAuroc(pos, neg, { compat: 'reference' }), vector.auc, TOLERANCE)

    expectClose(auroc(pos.x, neg.x), vector.mann_whitney_auc_of_x_only, TOLERANCE)
    if (vector.mann_whitney_auc_of_y_only !== undefined) {
      expectClose(auroc(pos.y, neg.y), vector.mann_whitney_auc_of_y_only, TOLERANCE)
    }
    // The vector's exact staircase lists reached FPRs, rounded to 12 decimals, and its area inherits that rounding.
    const exact = dualRoc(pos, neg)
    for (const [fpr, tpr] of vector.upper_staircase) {
      expectClose(exact.truePositiveRate[Math.round(fpr * neg.x.length)]!, tpr, TOLERANCE)
    }
    expectClose(dualAuroc(pos, neg), vector.step_auc_left, 1e-11)
    compare(positives, negatives)
  })
})

describe('fast against literal', () => {
  it('on tied scores', () => {
    fc.assert(fc.property(dualScores(3, 10), dualScores(3, 10), compare), { numRuns: 80 })
  })
  it('on mostly distinct scores', () => {
    fc.assert(fc.property(dualScores(10_000, 14), dualScores(10_000, 14), compare), { numRuns: 30 })
  })
  it('on single thresholds, where it is Mann-Whitney with 1/2 for ties', () => {
    fc.assert(
      fc.property(dualScores(6, 15), dualScores(6, 15), (pos, neg) => {
        compare({ x: pos.x }, { x: neg.x })
        const constant = { x: pos.x, y: pos.x.map(() => 1) }
        const got = dualAuroc(constant, { x: neg.x, y: neg.x.map(() => 1) }, { compat: 'reference' })
        expectClose(got, auroc(pos.x, neg.x), TOLERANCE)
      }),
    )
  })
  it('can fall below the single threshold when classes tie, which the exact hull cannot', () => {
    const pos = { x: [1, 1, 1], y: [0, 0, 0] }
    const neg = { x: [1, 1, 1], y: [1, 1, 1] }
    expect(auroc(pos.x, neg.x)).toBe(0.5)
    expect(dualAuroc(pos, neg, { compat: 'reference' })).toBe(0)
    expect(dualAuroc(pos, neg, { interpolation: 'hull' })).toBe(0.5)
  })
})
