// Decisions at a threshold: by hand, against points of the ROC curve, at the ends, and what is refused.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decisionsAt, rocCurve } from '../src/index.ts'

describe('decisionsAt', () => {
  it('counts what lies strictly above', () => {
    const found = decisionsAt({ inDistribution: [0, 1, 1, 2], outOfDistribution: [1, 2, 3] }, 1)
    expect(found).toEqual({
      threshold: 1,
      trueNegatives: 3,
      falsePositives: 1,
      falseNegatives: 1,
      truePositives: 2,
      accuracy: 5 / 7,
      precision: 2 / 3,
      recall: 2 / 3,
      f1: 2 / 3,
    })
  })

  it('has rates of 0 where nothing is called OOD, as scikit-learn', () => {
    const scores = { inDistribution: [1, 2], outOfDistribution: [1, 2] }
    expect(decisionsAt(scores, Number.POSITIVE_INFINITY)).toMatchObject({
      precision: 0,
      recall: 0,
      f1: 0,
      accuracy: 0.5,
    })
    expect(decisionsAt(scores, Number.NEGATIVE_INFINITY)).toMatchObject({ precision: 0.5, recall: 1, f1: 2 / 3 })
  })

  it('passes through every point of the ROC curve, ties or not', () => {
    const scores = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(scores, scores, (inDistribution, outOfDistribution) => {
        const { thresholds, truePositiveRate, falsePositiveRate } = rocCurve(outOfDistribution, inDistribution)
        for (const [i, at] of thresholds.entries()) {
          // The curve accepts score >= threshold; between whole numbers the two rules are one.
          const found = decisionsAt({ inDistribution, outOfDistribution }, at - 0.5)
          expect(found.recall).toBeCloseTo(truePositiveRate[i]!, 12)
          expect(found.falsePositives / inDistribution.length).toBeCloseTo(falsePositiveRate[i]!, 12)
        }
      }),
    )
  })

  it.each([
    [{ inDistribution: [], outOfDistribution: [1] }, 0, 'E_EMPTY', 'inDistribution: expected at least one score'],
    [{ inDistribution: [1], outOfDistribution: [Number.NaN] }, 0, 'E_NOT_FINITE', 'outOfDistribution[0]'],
    [{ inDistribution: [1], outOfDistribution: [1] }, Number.NaN, 'E_ARGUMENT', 'threshold: expected a number'],
    [undefined, 0, 'E_ARGUMENT', 'scores'],
  ])('refuses %j at %s', (scores, threshold, code, message) => {
    const decide = () => decisionsAt(scores as Parameters<typeof decisionsAt>[0], threshold)
    expect(decide).toThrow(message)
    expect(decide).toThrow(expect.objectContaining({ code }))
  })
})
