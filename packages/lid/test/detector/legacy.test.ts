// Detectors that version 0.1 stored give the numbers they gave then.
import { readFileSync } from 'node:fs'
import { tensor } from '@ood/core'
import { type OodDetector, restoreDetector } from '@ood/detect'
import { describe, expect, it } from 'vitest'
import {
  bisectScale,
  likelihoodLid,
  type PairRule,
  type PairRuleName,
  pairMethod,
  type ScaleRule,
  upgradeStored,
} from '../../src/index.ts'
import { estimator, model } from './pair-model.ts'

interface Case {
  state: Record<string, unknown>
  instanceScore: number[]
  pValue: number[]
  isOutlier: number[] | null
}
const { rows, pairCases, imageCases } = JSON.parse(
  readFileSync(new URL('./fixtures/version-0.1.json', import.meta.url), 'utf8'),
) as {
  rows: number[]
  pairCases: (Case & { rule: PairRule | PairRuleName })[]
  imageCases: (Case & { title: string })[]
}
const pairs = {
  logProb: Float64Array.from(rows.filter((_, i) => i % 2 === 0)),
  lid: Float64Array.from(rows.filter((_, i) => i % 2 === 1)),
}
async function same<Fit, Input>(
  again: OodDetector<Fit, Input>,
  x: Parameters<OodDetector<Fit, Input>['predict']>[0],
  { instanceScore, pValue, isOutlier }: Case,
): Promise<void> {
  const { data } = await again.predict(x)
  expect([...data.instanceScore!]).toEqual(instanceScore)
  expect([...data.pValue!]).toEqual(pValue)
  expect(data.isOutlier && [...data.isOutlier]).toEqual(isOutlier)
  const twice = restoreDetector(JSON.parse(JSON.stringify(again)), again.method)
  expect((await twice.predict(x)).data).toEqual(data)
}

it.each(pairCases)('pairs by $state.rule.name: scores, p-values and decisions to the last bit', async (stored) => {
  const method = pairMethod(stored.rule)
  await same(restoreDetector(upgradeStored(stored.state, method), method), { columns: pairs }, stored)
})

it.each(imageCases)('images at a scale by $title: the same', async (stored) => {
  const half: ScaleRule = (t) => bisectScale(t.meanLidAt, 25)
  const method =
    stored.title === 'a number'
      ? likelihoodLid({ model, estimator, scale: -2.5, rule: 'localMass' })
      : likelihoodLid({ model, estimator, scale: half, rule: 'density' })
  const again = restoreDetector(upgradeStored(stored.state, method), method)
  expect(again.learnt!.choice).toEqual(stored.state.choice)
  await same(again, tensor(Float64Array.from(rows), [6, 2]), stored)
})

describe('other contents', () => {
  const method = pairMethod()
  it('are refused', () => {
    for (const value of [null, 1, {}, { schemaVersion: 1, name: 'LLR' }, { schemaVersion: 2, name: 'LikelihoodLid' }])
      expect(() => upgradeStored(value, method)).toThrow(
        'detector state: expected LikelihoodLid or LikelihoodLidDetector',
      )
    const { state } = pairCases[0]!
    const broken = (patch: object) => () => restoreDetector(upgradeStored({ ...state, ...patch }, method), method)
    expect(broken({ referenceScores: [null] })).toThrow('detector state referenceScores')
    expect(broken({ threshold: 'high' })).toThrow('detector state threshold')
    expect(broken({ parameters: {} })).toThrow('detector parameter')
    expect(broken({ rule: { name: 'constructor' } })).toThrow('detector rule: expected one of')
    expect(broken({ version: 3 })).toThrow('detector state version')
  })
})
