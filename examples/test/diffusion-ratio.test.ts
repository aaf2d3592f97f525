// The ratio example on a model written down: a likelihood that prefers simple images, choices from training rows, resume.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NdArray, random, tensor } from '@ood/core'
import { gaussianScore, odeLogProb } from '@ood/models-diffusion'
import { openRun } from '@ood/run'
import { afterAll, describe, expect, it } from 'vitest'
import { createBench } from '../common/bench.ts'
import { parseOptions as parse } from '../common/command-line.ts'
import type { Measurable } from '../common/diffusion.ts'
import { writeReport } from '../common/example.ts'
import { directionsOf, type SplitName, splitNames } from '../common/splits.ts'
import { chooseFractions } from '../diffusion-ratio/choose.ts'
import { evaluate } from '../diffusion-ratio/evaluate.ts'
import { example } from '../diffusion-ratio/index.ts'
import { estimates, measure } from '../diffusion-ratio/losses.ts'

const parseOptions = (argv: string[], env: NodeJS.ProcessEnv) => parse(example, argv, env)

const N = 16
/** 4 x 4 images: wide first row, fine detail in the others. */
const D = 16
const variances = Float64Array.from({ length: D }, (_, i) => (i < 4 ? 1 : 0.01))

function analytic(): Measurable {
  const model = gaussianScore(new Float64Array(D), variances, undefined, { dataShape: [1, 4, 4] })
  return {
    ...model,
    // Hashes name the model, so that what it gave is found again by the next start.
    manifest: { name: 'analytic', sha256: { 'score.onnx': 'a'.repeat(64) } } as unknown as Measurable['manifest'],
    dimension: D,
    preprocess: async (x) => x,
    logProb: (x, { input, space, ...call } = {}) => odeLogProb(model, x, call),
  }
}

/** Images whose pixel i is `value(i, z)` of a normal z. */
function rows(seed: number, value: (pixel: number, z: number) => number): NdArray {
  const rng = random(seed)
  return tensor(
    Float64Array.from({ length: N * D }, (_, i) => value(i % D, rng.normal())),
    [N, 1, 4, 4],
  )
}

const inside = (pixel: number, z: number): number => Math.sqrt(variances[pixel]!) * z
const images: Record<SplitName, NdArray> = {
  in_distr_train: rows(1, inside),
  in_distr_test: rows(2, inside),
  // No detail at all, and a first row of 1.6 standard deviations.
  ood: rows(3, (pixel, z) => (pixel < 4 ? 1.6 * Math.sign(z) : 0)),
  generated: rows(4, inside),
}

const work = mkdtempSync(join(tmpdir(), 'ood-ratio-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

async function runIn(folder: string, stopAfter = Number.POSITIVE_INFINITY) {
  const stop = new AbortController()
  let events = 0
  const onProgress = () => {
    if (++events >= stopAfter) stop.abort()
  }
  const run = openRun({ folder: join(work, folder), config: { test: 'diffusion-ratio' } })
  try {
    const bench = createBench({ run, seed: 5, signal: stop.signal, onProgress })
    const measures = await measure(bench, 'analytic', analytic(), images, 24)
    const result = { direction: directionsOf('diffusion')[0]!, ...measures, evaluation: evaluate(measures) }
    return { result, run }
  } finally {
    run.close()
  }
}

describe('the diffusion-ratio example', () => {
  it('discounts simplicity: the ratio orders what the likelihood misorders', async () => {
    const { result } = await runIn('whole')
    const { likelihood, joint, variants } = result.evaluation
    const { flagged, threshold } = joint
    // Squared standard deviations add up to 16 inside and to 4 * 1.6² = 10 here, so these images are likelier; but the
    // coarse part is 10 instead of 4 and the fine part 0 instead of 12.
    const ratio = variants['likelihood-log-ratio'].find(({ tFrac }) => tFrac === 0.15)!
    expect(likelihood.inDistr).toBeLessThan(0.5)
    expect(ratio.auc.inDistr).toBeGreaterThan(0.85)
    for (const name of splitNames) {
      const above = joint.score[name].filter((value) => value > threshold).length / N
      expect(flagged[name]).toBe(above)
    }
    // One of sixteen is the least that a threshold on them can flag.
    expect(flagged.in_distr_train).toBeLessThanOrEqual(1 / N)
  })

  it('takes the same evaluations for every t_frac, as many as the reference', () => {
    const { ratio, reference } = estimates(64)
    expect(ratio.probes).toBe(64)
    expect((reference.fractions!.length + 1) * reference.probes!).toBe(60)
    // 24 is the least: two in each piece between the t_frac of the trend.
    expect(2 * (ratio.fractions!.length + 1)).toBe(24)
  })

  it('chooses t_frac from training losses alone', async () => {
    const { result } = await runIn('whole')
    const { splits, turned, evaluation } = result
    expect(chooseFractions(splits.in_distr_train.losses, turned)).toEqual(evaluation.choices)
    const { fractions, criterion, tFrac } = evaluation.choices.separation
    expect(criterion[fractions.indexOf(tFrac)]).toBe(Math.max(...criterion))
  })

  it('ends with the same numbers when stopped and started again', async () => {
    const whole = await runIn('again')
    for (const after of [2, 17]) await expect(runIn('cut', after)).rejects.toMatchObject({ code: 'E_ABORTED' })
    const resumed = await runIn('cut')
    expect(resumed.result.evaluation).toEqual(whole.result.evaluation)
    for (const name of splitNames)
      expect(resumed.result.splits[name].logProb).toEqual(whole.result.splits[name].logProb)
  })

  it('writes a report with every figure', async () => {
    const { result } = await runIn('report')
    const run = openRun({ folder: join(work, 'report'), config: { test: 'diffusion-ratio' } })
    try {
      const options = parseOptions(['--n', '16'], {})!
      const { path } = await writeReport(run, example, [result], options)
      const html = readFileSync(path, 'utf8')
      expect(html.match(/<svg/g)!.length).toBe(8)
      for (const text of ['ODE log p', 'log-ratio, likelihood weights (default)', 'Cost', '--probes 64'])
        expect(html).toContain(text)
      expect(html).not.toContain('NaN')
    } finally {
      run.close()
    }
  })
})

describe('options of the diffusion-ratio example', () => {
  it('has defaults, and takes probes', () => {
    expect(parseOptions([], {})).toMatchObject({ n: 64, probes: 64, folder: join('runs', 'diffusion-ratio') })
    expect(parseOptions(['--probes', '128'], {})).toMatchObject({ probes: 128 })
    expect(parseOptions(['--help'], {})).toBeUndefined()
  })

  it.each([
    [['--probes', '23'], '--probes: expected a whole number of at least 24, got 23'],
    [['--n', '3'], '--n: expected a whole number of at least 8, got 3'],
    [['--scores', '1'], "options: Unknown option '--scores' (--help lists them)"],
  ])('refuses %j', (argv, message) => {
    expect(() => parseOptions(argv, {})).toThrow(message)
  })
})
