// The method over images, on an analytic flow with a low-dimensional outlier; the dual threshold.
import { type NdArray, random, tensor } from '@ood/core'
import { detector, type OodDetector, restoreDetector } from '@ood/detect'
import { describe, expect, it } from 'vitest'
import {
  bisectScale,
  dualThreshold,
  kneeScale,
  type LikelihoodLidFit,
  type LikelihoodLidOptions,
  likelihoodLid,
  type TrainingLid,
} from '../../src/index.ts'
import { estimator, model } from './pair-model.ts'

const images = (seed: number, n: number, l = 700, r = -2): NdArray => {
  const rng = random(seed)
  const data = Float64Array.from({ length: 2 * n }, (_, i) =>
    i % 2 === 0 ? l + 100 * rng.normal() : r + 0.5 * rng.normal(),
  )
  return tensor(data, [n, 2])
}
const train = images(1, 200)
const outliers = images(2, 50, 850, -6)

type Options = Pick<LikelihoodLidOptions<Float64Array>, 'scale' | 'rule'>
const methodOf = (options: Options) => likelihoodLid({ model, estimator, ...options })
const make = (options: Options): OodDetector<LikelihoodLidFit> => detector(methodOf(options))

describe('likelihoodLid', () => {
  it('separates what the likelihood alone has the wrong way round', async () => {
    const both = make({ scale: -2 })
    await both.fit(train)
    const inside = await both.score(images(3, 200))
    const outside = await both.score(outliers)
    const wins = outside.reduce((s, o) => s + inside.filter((i) => o > i).length, 0) / (50 * 200)
    const likelihood = (await model.logProb(images(3, 200))).instance
    const paradox = (await model.logProb(outliers)).instance
    const alone = paradox.reduce((s, o) => s + likelihood.filter((i) => -o > -i).length, 0) / (50 * 200)
    expect(alone).toBeLessThan(0.2)
    expect(wins).toBeGreaterThan(0.9)
  })

  it('chooses the scale in fit, from the training points alone', async () => {
    const seen: TrainingLid[] = []
    const both = make({
      scale: (training) => {
        seen.push(training)
        return bisectScale(training.meanLidAt, 25)
      },
    })
    expect(both.learnt).toBeUndefined()
    await both.fit(train)
    const { choice } = both.learnt!
    expect(choice.rule).toBe('bisection')
    expect(choice.meanLid).toBeCloseTo(25, 2)
    const fit = JSON.stringify(both.toJSON().fit)
    await both.score(outliers)
    await both.predict(outliers)
    await both.inferThreshold(images(3, 50), 0.1)
    expect(both.learnt!.choice).toBe(choice)
    expect(seen.length).toBe(1)
    expect(seen[0]!.logProb).toEqual((await model.logProb(train)).instance)
    expect(seen[0]!.dimension).toBe(2)
    // Only threshold and reference moved.
    expect(JSON.stringify(both.toJSON().fit)).toBe(fit)
  })

  it('localMass by name takes r = e^scale', async () => {
    const both = make({ scale: -2.5, rule: 'localMass' })
    await both.fit(train)
    expect(both.learnt!.pairs.rule).toEqual({ name: 'localMass', logRadius: -2.5 })
  })

  it('stored state scores alike with the same model, also by a knee', async () => {
    const options = {
      scale: (t: TrainingLid) => kneeScale({ ...t.curve(), dimension: 50 }),
      rule: 'oneSided',
    } as const
    const both = make(options)
    await both.fit(train)
    await both.inferThreshold(train, 0.05)
    const loaded = restoreDetector(JSON.parse(JSON.stringify(both)), methodOf(options))
    expect(await loaded.predict(outliers)).toEqual(await both.predict(outliers))
    expect(loaded.learnt!.choice).toEqual(both.learnt!.choice)
    expect(JSON.stringify(loaded)).toBe(JSON.stringify(both))
    expect((await loaded.predict(outliers)).data.isOutlier!.reduce((s, v) => s + v, 0)).toBeGreaterThan(40)
  })

  it('measures once for fitting and scoring, and scores columns as rows', async () => {
    const both = make({ scale: -2 })
    const columns = await both.method.needs().lid!.measure(train)
    expect(Object.keys(columns).sort()).toEqual(['dimension', 'r'])
    await both.fit(train)
    expect(await both.score({ columns: await both.measure(outliers) })).toEqual(await both.score(outliers))
  })

  it('refuses use before fit, scales that are no numbers, estimators without columns and foreign states', async () => {
    const both = make({ scale: -2 })
    await expect(both.score(train)).rejects.toThrow('LikelihoodLid: expected fit before use')
    expect(both.toJSON().fit).toBeNull()
    expect(() => make({ scale: Number.NaN })).toThrow('likelihoodLid scale: expected a finite number, got NaN')
    expect(() => make({ scale: 'middle' as 'knee' })).toThrow('expected one of')
    const { columns: _, ...without } = estimator
    await expect(detector(likelihoodLid({ model, estimator: without, scale: -2 })).fit(train)).rejects.toMatchObject({
      code: 'E_UNSUPPORTED',
    })
    await both.fit(train)
    const state = both.toJSON()
    const method = methodOf({ scale: -2 })
    expect(() => restoreDetector({ schemaVersion: 1, name: 'LikelihoodLid' }, method)).toThrow('detector state format')
    expect(() => restoreDetector(state, methodOf({ scale: -3 }))).toThrow('detector state method.settings')
    expect(() => restoreDetector(state, methodOf({ scale: -2, rule: 'density' }))).toThrow('method.settings')
    for (const [fit, message] of [
      [{}, 'fit.choice.scale: expected a finite number, got undefined'],
      [{ ...state.fit!, choice: { scale: null } }, 'fit.choice.scale'],
      [{ choice: both.learnt!.choice }, 'fit.rule'],
    ] as const)
      expect(() => restoreDetector({ ...state, fit }, method)).toThrow(`detector state ${message}`)
  })
})

describe('dualThreshold', () => {
  const pairs = { logProb: Float64Array.of(10, 10, 9, 11), lid: Float64Array.of(5, 4.9, 6, 7) }

  it('keeps points at or above both cuts', () => {
    expect(dualThreshold(pairs, { logProb: 10, lid: 5 })).toEqual(Uint8Array.of(0, 1, 1, 0))
  })

  it('an infinite cut is no cut, and an infinite value is cut as any other', () => {
    expect([...dualThreshold(pairs, { logProb: 10, lid: Number.NEGATIVE_INFINITY })]).toEqual([0, 0, 1, 0])
    const ruledOut = { logProb: Float64Array.of(Number.NEGATIVE_INFINITY), lid: Float64Array.of(5) }
    expect([...dualThreshold(ruledOut, { logProb: 10, lid: 5 })]).toEqual([1])
  })

  it('refuses NaN', () => {
    expect(() => dualThreshold(pairs, { logProb: Number.NaN, lid: 1 })).toThrow(
      'dualThreshold logProb: expected a number, got NaN',
    )
    expect(() => dualThreshold({ ...pairs, lid: Float64Array.of(1) }, { logProb: 0, lid: 1 })).toThrow(
      'dualThreshold: expected two lists of equal length, got 4 and 1',
    )
  })
})
