// The diffusion example on a model written down: a paradox by construction, choices from training points, resume.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NdArray, random, tensor } from '@ood/core'
import { gaussianMixtureScore, odeLogProb } from '@ood/models-diffusion'
import { openRun } from '@ood/run'
import { afterAll, describe, expect, it } from 'vitest'
import { createBench } from '../common/bench.ts'
import { parseOptions as parse } from '../common/command-line.ts'
import type { Measurable } from '../common/diffusion.ts'
import { type SplitName, splitNames } from '../common/splits.ts'
import { choose } from '../diffusion-lid/choose.ts'
import { curveScales, studyDiffusion } from '../diffusion-lid/diffusion-study.ts'
import { example } from '../diffusion-lid/index.ts'

const parseOptions = (argv: string[], env: NodeJS.ProcessEnv) => parse(example, argv, env)

const D = 8
const N = 24
/** In-distribution: five and six dimensions of unit width; elsewhere, a sheet of two that holds a third of the mass. */
const thick = [
  [1, 1, 1, 1, 1, 1, 1e-4, 1e-4],
  [1, 1, 1, 1, 1, 1e-4, 1e-4, 1e-4],
]
const thin = [0.04, 0.04, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4]
const away = Array.from({ length: D }, (_, i) => (i < 2 ? 6 : 0))
const origin = new Float64Array(D)
const beside = Array.from({ length: D }, (_, i) => (i === 7 ? 6 : 0))

function analytic(): Measurable {
  const model = gaussianMixtureScore([
    { weight: 1, mean: origin, covariance: thick[0]! },
    { weight: 1, mean: beside, covariance: thick[1]! },
    { weight: 1, mean: away, covariance: thin },
  ])
  return {
    ...model,
    // Hashes name the model, so that what it gave is found again by the next start.
    manifest: { name: 'analytic', sha256: { 'score.onnx': 'a'.repeat(64) } } as unknown as Measurable['manifest'],
    dimension: D,
    preprocess: async (x) => x,
    logProb: (x, { input, space, ...call } = {}) => odeLogProb(model, x, call),
  }
}

/** Rows of the components in turn. */
function rows(seed: number, components: readonly (readonly [ArrayLike<number>, readonly number[]])[]): NdArray {
  const rng = random(seed)
  const data = Float64Array.from({ length: N * D }, (_, i) => {
    const [mean, variance] = components[Math.floor(i / D) % components.length]!
    return mean[i % D]! + Math.sqrt(variance[i % D]!) * rng.normal()
  })
  return tensor(data, [N, D])
}

const inside = [
  [origin, thick[0]!],
  [beside, thick[1]!],
] as const
const images: Record<SplitName, NdArray> = {
  in_distr_train: rows(1, inside),
  in_distr_test: rows(2, inside),
  ood: rows(3, [[away, thin]]),
  generated: rows(4, inside),
}

const work = mkdtempSync(join(tmpdir(), 'ood-diffusion-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

async function runIn(folder: string, stopAfter = Number.POSITIVE_INFINITY) {
  const stop = new AbortController()
  let events = 0
  const onProgress = () => {
    if (++events >= stopAfter) stop.abort()
  }
  const run = openRun({ folder: join(work, folder), config: { test: 'diffusion-lid' } })
  try {
    const bench = createBench({ run, seed: 5, signal: stop.signal, onProgress })
    const found = await studyDiffusion(bench, 'analytic', analytic(), images, { lpca: 6, probes: 8, scores: 64 })
    const [flipd, bundle] = found.methods
    return { splits: found.splits, flipd: flipd!, bundle: bundle! }
  } finally {
    run.close()
  }
}

describe('the diffusion example', () => {
  it('finds the paradox and resolves it with either LID', async () => {
    const { splits, flipd, bundle } = await runIn('whole')
    for (const { study } of [flipd, bundle]) {
      const { single, lid, dual, fitted } = study.chosen
      // Thin sheets have densities of about e^20 times the others', and two dimensions instead of five or six.
      expect(single.inDistr).toBe(0)
      expect(lid.inDistr).toBe(1)
      expect(dual.inDistr).toBe(1)
      expect(fitted.inDistr).toBeGreaterThan(0)
    }
    // At a scale between the widths 0.01 and 0.2, LID is that of each component, by probes for FLIPD.
    const middle = curveScales.findIndex((scale) => scale >= -3)
    const meanAt = (name: SplitName) => {
      const { lid } = splits[name].curves
      return Array.from({ length: N }, (_, i) => lid.get(i, middle)).reduce((sum, value) => sum + value, 0) / N
    }
    // FLIPD of a point varies like a chi-square around its mean: sd below 1, over 24 points 0.2.
    expect(Math.abs(meanAt('in_distr_test') - 5.5)).toBeLessThan(0.7)
    expect(Math.abs(meanAt('ood') - 2)).toBeLessThan(0.7)
  })

  it('ends with the same numbers when stopped and started again', async () => {
    const whole = await runIn('again')
    for (const after of [2, 9]) await expect(runIn('cut', after)).rejects.toMatchObject({ code: 'E_ABORTED' })
    const resumed = await runIn('cut')
    for (const name of splitNames) {
      expect(resumed.splits[name].logProb).toEqual(whole.splits[name].logProb)
      expect(resumed.splits[name].referenceLogProb).toEqual(whole.splits[name].referenceLogProb)
      expect(resumed.splits[name].bundle!.data).toEqual(whole.splits[name].bundle!.data)
      expect(resumed.flipd.study.lid[name]).toEqual(whole.flipd.study.lid[name])
    }
    expect(resumed.flipd.study.results).toEqual(whole.flipd.study.results)
  })

  it('chooses scales from training points alone', async () => {
    const { splits } = await runIn('whole')
    const { curves, logProb } = splits.in_distr_train
    const lid = () => {
      throw new Error('read')
    }
    const training = { method: 'flipd', artifact: curves, logProb, dimension: D, lpca: 6 } as const
    // The LID function it is given is the only way to LIDs, and the training artifact the only artifact.
    expect(() => choose({ ...training, lid })).toThrow('read')
  })
})

describe('options of the diffusion example', () => {
  it('has defaults, and takes probes and scores', () => {
    expect(parseOptions([], {})).toMatchObject({
      n: 32,
      probes: 50,
      scores: 784,
      folder: join('runs', 'diffusion-lid'),
    })
    expect(parseOptions(['--scores', '0', '--probes', '8'], {})).toMatchObject({ scores: 0, probes: 8 })
    expect(parseOptions(['--help'], {})).toBeUndefined()
  })

  it.each([
    [['--probes', '3'], '--probes: expected a whole number of at least 4, got 3'],
    [['--scores', '64'], '--scores: expected 0, or at least 784 (one a pixel), got 64'],
    [['--scores', 'all'], '--scores: expected a whole number of at least 0, got all'],
    [['--sores', '1'], "options: Unknown option '--sores' (--help lists them)"],
  ])('refuses %j', (argv, message) => {
    expect(() => parseOptions(argv, {})).toThrow(message)
  })
})
