// The detector over images, on an analytic flow with a low-dimensional outlier; the dual threshold; the version.
import { readFileSync } from 'node:fs'
import { type LidEstimator, type LikelihoodModel, type NdArray, random, rowCount, tensor } from '@ood/core'
import { describe, expect, it } from 'vitest'
import {
  bisectScale,
  dualThreshold,
  kneeScale,
  type LikelihoodLidState,
  likelihoodLidDetector,
  type TrainingLid,
} from '../../src/index.ts'
import { VERSION } from '../../src/internal/version.ts'

/**
 * A model of pairs: row (l, r) has log p = l, and of its D = 50 log singular values those above `scale` number
 * about 50 / (1 + e^{scale - r}): a smooth curve in the scale that differs from point to point.
 */
const model: LikelihoodModel = {
  logProb: async (x) => ({ instance: Float64Array.from({ length: rowCount(x) }, (_, i) => x.get(i, 0)) }),
}
const estimator: LidEstimator<Float64Array> = {
  prepare: async (x) => Float64Array.from({ length: rowCount(x) }, (_, i) => x.get(i, 1)),
  lid: (artifact, scale) => artifact.map((r) => 50 / (1 + Math.exp(scale - r))),
}
const images = (seed: number, n: number, l = 700, r = -2): NdArray => {
  const rng = random(seed)
  const data = Float64Array.from({ length: 2 * n }, (_, i) =>
    i % 2 === 0 ? l + 100 * rng.normal() : r + 0.5 * rng.normal(),
  )
  return tensor(data, [n, 2])
}
const train = images(1, 200)
const outliers = images(2, 50, 850, -6)

describe('likelihoodLidDetector', () => {
  it('separates what the likelihood alone has the wrong way round', async () => {
    const detector = likelihoodLidDetector({ model, estimator, scale: -2 })
    await detector.fit(train)
    const inside = await detector.score(images(3, 200))
    const outside = await detector.score(outliers)
    const wins = outside.reduce((s, o) => s + inside.filter((i) => o > i).length, 0) / (50 * 200)
    const likelihood = (await model.logProb(images(3, 200))).instance
    const paradox = (await model.logProb(outliers)).instance
    const alone = paradox.reduce((s, o) => s + likelihood.filter((i) => -o > -i).length, 0) / (50 * 200)
    expect(alone).toBeLessThan(0.2)
    expect(wins).toBeGreaterThan(0.9)
  })

  it('chooses the scale in fit, from the training points alone', async () => {
    const seen: TrainingLid[] = []
    const detector = likelihoodLidDetector({
      model,
      estimator,
      scale: (training) => {
        seen.push(training)
        return bisectScale(training.meanLidAt, 25)
      },
    })
    expect(detector.choice).toBeUndefined()
    await detector.fit(train)
    const choice = detector.choice!
    expect(choice.rule).toBe('bisection')
    expect(choice.meanLid).toBeCloseTo(25, 2)
    const state = JSON.stringify(detector)
    await detector.score(outliers)
    await detector.predict(outliers)
    await detector.inferThreshold(images(3, 50), 0.1)
    expect(detector.choice).toBe(choice)
    expect(seen.length).toBe(1)
    expect(seen[0]!.logProb).toEqual((await model.logProb(train)).instance)
    expect(seen[0]!.dimension).toBe(2)
    // Only the threshold moved.
    const after = JSON.parse(JSON.stringify(detector)) as LikelihoodLidState
    expect({ ...after, pairs: { ...after.pairs, threshold: null } }).toEqual(JSON.parse(state))
  })

  it('localMass by name takes r = e^scale', async () => {
    const detector = likelihoodLidDetector({ model, estimator, scale: -2.5, rule: 'localMass' })
    await detector.fit(train)
    expect(detector.toJSON().pairs.rule).toEqual({ name: 'localMass', logRadius: -2.5 })
  })

  it('stored state scores alike with the same model, also by a knee', async () => {
    const options = {
      model,
      estimator,
      scale: (t: TrainingLid) => kneeScale({ ...t.curve(), dimension: 50 }),
      rule: 'oneSided',
    } as const
    const detector = likelihoodLidDetector(options)
    await detector.fit(train)
    await detector.inferThreshold(train, 0.05)
    const state = JSON.parse(JSON.stringify(detector)) as LikelihoodLidState
    const loaded = likelihoodLidDetector(options, state)
    expect(await loaded.predict(outliers)).toEqual(await detector.predict(outliers))
    expect(loaded.choice!.scale).toBe(detector.choice!.scale)
    expect((await loaded.predict(outliers)).data.isOutlier!.reduce((s, v) => s + v, 0)).toBeGreaterThan(40)
  })

  it('refuses use before fit, scales that are no numbers and foreign states', async () => {
    const detector = likelihoodLidDetector({ model, estimator, scale: -2 })
    await expect(detector.score(train)).rejects.toThrow('likelihoodLidDetector: expected fit before use')
    expect(() => detector.toJSON()).toThrow('expected fit before use')
    expect(() => likelihoodLidDetector({ model, estimator, scale: Number.NaN })).toThrow(
      'likelihoodLidDetector scale: expected a finite number, got NaN',
    )
    const foreign = { schemaVersion: 1, name: 'LikelihoodLid' } as unknown as LikelihoodLidState
    expect(() => likelihoodLidDetector({ model, estimator, scale: -2 }, foreign)).toThrow('likelihoodLidDetector state')
  })
})

describe('dualThreshold', () => {
  const pairs = { logProb: Float64Array.of(10, 10, 9, 11), lid: Float64Array.of(5, 4.9, 6, 7) }

  it('keeps points at or above both cuts', () => {
    const { meta, data } = dualThreshold({ logProb: 10, lid: 5 }).predict(pairs)
    expect([...data.isOutlier!]).toEqual([0, 1, 1, 0])
    expect([meta.name, data.instanceScore, data.pValue]).toEqual(['DualThreshold', null, null])
  })

  it('an infinite cut is no cut', () => {
    const single = dualThreshold({ logProb: 10, lid: Number.NEGATIVE_INFINITY }).predict(pairs)
    expect([...single.data.isOutlier!]).toEqual([0, 0, 1, 0])
  })

  it('refuses NaN', () => {
    expect(() => dualThreshold({ logProb: Number.NaN, lid: 1 })).toThrow(
      'dualThreshold logProb: expected a number, got NaN',
    )
    expect(() => dualThreshold({ logProb: 0, lid: 1 }).predict({ ...pairs, lid: Float64Array.of(1) })).toThrow(
      'dualThreshold: expected two lists of equal length, got 4 and 1',
    )
  })
})

it('predictions carry the package version', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  expect(VERSION).toBe(manifest.version)
})
