// Detectors that version 0.1 stored, as JSON and as a folder with models, give the numbers they gave then.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { flatData, type LikelihoodModel, type NdArray, normals, random, tensor } from '@ood/core'
import { type Method, restoreDetector } from '@ood/detect'
import { loadDetector } from '@ood/detect/node'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  diffusionRatio,
  inputComplexity,
  likelihood,
  likelihoodRatio,
  typicality,
  upgradeStored,
  waic,
} from '../src/index.ts'
import { gaussian } from './diffusion/gaussian.ts'
import { gaussianModel } from './ratio/models.ts'

interface Numbers {
  data: number[]
  shape: number[]
}
interface Case {
  title: string
  state: { name: string; threshold: number | null } & Record<string, unknown>
  x?: Numbers
  instanceScore: number[]
  pValue: number[] | null
  isOutlier: number[] | null
  featureScore: Numbers | null
}
const folder = fileURLToPath(new URL('./fixtures/', import.meta.url))
const { cases, seed } = JSON.parse(readFileSync(join(folder, 'version-0.1.json'), 'utf8')) as {
  cases: Case[]
  seed: number
}

// The models that fixtures/generate.mjs had.
const semantic = gaussianModel({ mean: [0.1, 0.2], sd: [1, 1.5], noise: 0.1 })
const background = gaussianModel({ mean: [0, 0], sd: [2, 2], noise: 0.1 })
const other = gaussianModel({ mean: [0, 0.3], sd: [1.2, 1.4], noise: 0.1 })
const pixels = gaussianModel({ mean: new Array(16).fill(100), sd: new Array(16).fill(80), features: false })
const score = gaussian(
  [0, 0, 0, 0],
  [1, 0.01, 1, 0.01].map((v, i) => [0, 1, 2, 3].map((j) => (i === j ? v : 0))),
  { modelShape: [1, 2, 2] },
)

/** The method of an old detector, made from the settings it was stored with. */
const makers: Record<string, (settings: Record<string, never>) => Method> = {
  NegativeLogLikelihood: () => likelihood(semantic),
  LLR: (settings) => likelihoodRatio({ semantic, background, ...settings }),
  Typicality: () => typicality(semantic),
  WAIC: ({ variance }) => waic([semantic, background, other], { variance }),
  InputComplexity: ({ count, levelWidth, compat }) =>
    inputComplexity(pixels, { count: count!, levelWidth, ...(compat ? { compat } : {}) }),
  CCLR: ({ tFrac, compat, ...settings }) =>
    diffusionRatio({ model: score, ...settings, tFrac: tFrac ?? undefined, compat: compat ?? undefined }),
}
const batch = ({ data, shape }: Numbers): NdArray => tensor(Float64Array.from(data), shape)

describe('detectors that version 0.1 stored as JSON', () => {
  it.each(cases)('$title: scores, features, p-values and decisions to the last bit', async (stored) => {
    const state = upgradeStored(stored.state)
    const method = makers[stored.state.name]!(state.method.settings as Record<string, never>)
    const again = restoreDetector(JSON.parse(JSON.stringify(state)), method)
    expect(again.threshold).toBe(stored.state.threshold)
    expect(restoreDetector(JSON.parse(JSON.stringify(again)), method).toJSON()).toEqual(again.toJSON())
    if (!stored.x) {
      expect(again.calibration).toBeNull()
      return
    }
    const { data } = await again.predict(batch(stored.x), { seed })
    expect([...data.instanceScore!]).toEqual(stored.instanceScore)
    expect(data.pValue && [...data.pValue]).toEqual(stored.pValue)
    expect(data.isOutlier && [...data.isOutlier]).toEqual(stored.isOutlier)
    if (stored.featureScore) expect([...flatData(data.featureScore!)]).toEqual(stored.featureScore.data)
  })

  it('are all kinds there were, with and without threshold', () => {
    expect(new Set(cases.map(({ state }) => state.name))).toEqual(new Set(Object.keys(makers)))
    expect(cases.filter(({ x }) => !x).length).toBe(3)
  })

  it('are refused where they are none, or not whole', () => {
    expect(() => upgradeStored({ schemaVersion: 2 })).toThrow('detector state schemaVersion: expected 1, got 2')
    expect(() => upgradeStored(null)).toThrow('detector state schemaVersion: expected 1, got undefined')
    expect(() => upgradeStored({ schemaVersion: 1, name: 'toString' })).toThrow('stored detector: expected one of')
    const whole = cases.find(({ title }) => title === 'typicality')!.state
    for (const [field, value, message] of [
      ['entropy', '71', 'fit.entropy: expected a finite number, got 71'],
      ['calibration', 'AAAA', 'reference: expected float64 numbers'],
      ['threshold', 'high', 'threshold: expected a finite number or null, got high'],
      ['data', undefined, 'data: expected an object'],
      ['compat', 'yes', 'compat: expected reference or null, got yes'],
    ] as const)
      expect(() => restoreDetector(upgradeStored({ ...whole, [field]: value }), typicality(semantic))).toThrow(
        `detector state ${message}`,
      )
  })
})

describe('a detector folder that version 0.1 wrote', () => {
  const saved = (): string => {
    const copy = mkdtempSync(join(tmpdir(), 'ood-llr-'))
    onTestFinished(() => rmSync(copy, { recursive: true, force: true }))
    cpSync(join(folder, 'folder-0.1'), copy, { recursive: true })
    return copy
  }
  const openModel = (path: string): LikelihoodModel => {
    const { sd } = JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8'))
    const mean = JSON.parse(readFileSync(join(path, 'graphs', 'mean.json'), 'utf8'))
    return gaussianModel({ mean, sd, noise: 0.1 })
  }
  const load = (path: string) =>
    loadDetector(
      path,
      (_, settings, { semantic: one, background: two }) =>
        likelihoodRatio({ ...settings, semantic: one!, background: two! }),
      { openModel, upgrade: upgradeStored },
    )

  it('is read: the same scores as its JSON alone', async () => {
    const plain = cases.find(({ title }) => title === 'likelihood ratio')!
    const loaded = await load(saved())
    expect(loaded.threshold).toBe(plain.state.threshold)
    const { data } = await loaded.predict(batch(plain.x!), { seed })
    expect([...data.instanceScore!]).toEqual(plain.instanceScore)
    expect([...data.pValue!]).toEqual(plain.pValue)
    const rows = tensor(normals(random(7), 20), [10, 2])
    expect((await loaded.score(rows, { seed })).length).toBe(10)
  })

  it('is refused when a model was altered or has a file more, and without upgrade', async () => {
    const altered = saved()
    const models = JSON.parse(readFileSync(join(altered, 'detector.json'), 'utf8')).models
    writeFileSync(join(altered, models.semantic.folder, 'manifest.json'), '{"sd":[1,2]}')
    await expect(load(altered)).rejects.toMatchObject({ code: 'E_CHECKSUM' })
    const more = saved()
    writeFileSync(join(more, models.background.folder, 'more.json'), '1')
    await expect(load(more)).rejects.toThrow('more.json: expected a file that detector.json lists, got one it does not')
    await expect(loadDetector(saved(), () => likelihood(semantic), { openModel })).rejects.toThrow(
      'detector state format: expected ood-detector, got undefined',
    )
  })
})
