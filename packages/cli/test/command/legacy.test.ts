// Detectors that `ood fit` of version 0.1 wrote: the same columns as then, and only with the same model.
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { scoreImages } from '../../src/command/score.ts'
import { temporaryFolder } from '../helpers.ts'
import { tinyFlow, writeImages } from './tiny-flow.ts'

interface Case {
  detector: { space: string; detector: { choice: { rule: string }; pairs: { rule: { name: string } } } }
  lid: number[]
  score: number[]
  pValue: number[]
  isOutlier: number[]
}
const fixtures = fileURLToPath(new URL('./fixtures/', import.meta.url))
const { rows, cases } = JSON.parse(readFileSync(join(fixtures, 'version-0.1.json'), 'utf8')) as {
  rows: number[][]
  cases: Case[]
}
const folder = temporaryFolder()
const images = writeImages(join(folder, 'rows.npy'), rows)
const score = (detector: unknown, model = join(fixtures, 'tiny')) => {
  const path = join(folder, 'detector.json')
  writeFileSync(path, JSON.stringify(detector))
  return scoreImages({ model, images, seed: 0, batchSize: 4, workers: 0, detector: path })
}

describe('a detector of version 0.1', () => {
  it.each(cases)(
    'by $detector.detector.pairs.rule.name at a scale by $detector.detector.choice.rule: the same to the last bit',
    async (stored) => {
      const columns = await score(stored.detector)
      expect(Object.keys(columns)[1]).toBe(`log_prob_${stored.detector.space}`)
      expect(Array.from(columns.JacobianThresholdLID!)).toEqual(stored.lid)
      expect(Array.from(columns.score!)).toEqual(stored.score)
      expect(Array.from(columns.p_value!)).toEqual(stored.pValue)
      expect(Array.from(columns.is_outlier!)).toEqual(stored.isOutlier)
    },
  )

  it('is refused by another model, also of the same name, and without hashes', async () => {
    const { detector } = cases[0]!
    const other = await tinyFlow(join(folder, 'other'), 'tiny', 2)
    await expect(score(detector, other)).rejects.toThrow('expected a detector of tiny, got one of another tiny')
    await expect(score({ ...detector, sha256: undefined })).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    const copy = join(folder, 'copy')
    cpSync(join(fixtures, 'tiny'), copy, { recursive: true })
    expect((await score(detector, copy)).score).toHaveLength(rows.length)
  })

  it('is refused where it is not whole', async () => {
    const { detector } = cases[0]!
    const inner = detector.detector
    for (const broken of [
      null,
      { ...detector, detector: { ...inner, choice: { rule: 'fixed' } } },
      { ...detector, detector: { ...inner, choice: null } },
      { ...detector, detector: { ...inner, pairs: { ...inner.pairs, referenceScores: [] } } },
      { ...detector, detector: { ...inner, pairs: { ...inner.pairs, parameters: {} } } },
      { ...detector, schemaVersion: 3 },
    ])
      await expect(score(broken)).rejects.toMatchObject({ code: 'E_FILE' })
  })
})
