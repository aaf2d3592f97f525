// What every report says of its numbers: facts of the run, intervals, and no 1.000 that nobody measured.
import { auroc } from '@ood/roc'
import { describe, expect, it } from 'vitest'
import { aucWords, intervalText, likelihoodInterval, rangeText, samplesText } from '../common/report-text.ts'

describe('texts of reports', () => {
  it.each([
    [[0.9214, 0.9806], '0.921 to 0.981'],
    [[0.99994, 0.99999], '> 0.999 to > 0.999'],
    [[0.9999, 1], '> 0.999 to 1'],
    [[1, 1], 'none (perfect)'],
  ] as const)('write the interval %j as %s', (interval, text) => {
    expect(rangeText(interval)).toBe(text)
    expect(rangeText(interval)).not.toContain('1.000')
  })

  it('say of a perfect score that it has no interval', () => {
    expect(intervalText('joint score', [1, 1])).toContain('no interval')
    expect(intervalText('joint score', [0.9, 0.95])).toBe(
      "DeLong 95 % interval of the joint score's AUC: 0.900 to 0.950.",
    )
  })

  it.each([
    [{ in_distr_test: 0.05, generated: 0.5 }, 'more often than', '50.0 % against 5.0 %'],
    [{ in_distr_test: 0.05, generated: 0 }, 'less often than', '0.0 % against 5.0 %'],
    [{ in_distr_test: 0.05, generated: 0.05 }, 'as often as', '5.0 % against 5.0 %'],
  ])('say what flagged samples mean: %j', (flagged, how, shares) => {
    const text = samplesText('flow', 'MNIST', flagged)
    expect(text).toContain(`flagged ${how} MNIST test images (${shares})`)
  })
})

describe('aucWords', () => {
  it('has interval and n in small type, and never a bare 1.000', () => {
    const found = aucWords(0.99998, { n: 64, interval: [0.98, 0.99999] })
    expect(found).toEqual({ auc: '> 0.999', aucWithN: '> 0.999 (n = 64)', note: '0.980 to > 0.999, n = 64' })
    const perfect = aucWords(1, { n: 64, interval: [1, 1] })
    expect(perfect).toEqual({ auc: '1', aucWithN: '1.000 (n = 64)', note: 'n = 64' })
  })
})

describe('likelihoodInterval', () => {
  it('contains the AUC of log p, whichever side is likelier', () => {
    const inside = { logProb: Float64Array.of(1, 3, 5, 7) }
    const ood = { logProb: Float64Array.of(2, 4, 6, 9) }
    const [lower, upper] = likelihoodInterval(inside, ood)
    const auc = auroc(inside.logProb, ood.logProb)
    expect(auc).toBe(0.375)
    expect(lower).toBeLessThan(auc)
    expect(upper).toBeGreaterThan(auc)
  })
})
