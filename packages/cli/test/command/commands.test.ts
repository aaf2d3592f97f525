// The sub-commands on a flow known in closed form.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { random } from '@ood/core'
import type { LikelihoodLidFit } from '@ood/lid'
import { openRun } from '@ood/run'
import { beforeAll, describe, expect, it } from 'vitest'
import { type FitOptions, fitDetector } from '../../src/command/fit.ts'
import { inspectTarget, inspectText } from '../../src/command/inspect.ts'
import { type ScoreOptions, scoreImages } from '../../src/command/score.ts'
import { runStatus } from '../../src/command/status.ts'
import { temporaryFolder } from '../helpers.ts'
import { lid, logProb, sigma, tinyFlow, writeImages } from './tiny-flow.ts'

const folder = temporaryFolder()
const model = join(folder, 'tiny')
const rng = random(4)
const rows = Array.from({ length: 30 }, () => sigma.map((value) => value * Math.sinh(rng.normal())))
const images = join(folder, 'images.npy')
const base = { model, images, seed: 0, batchSize: 4, workers: 0 }
const SCALE = Math.log(0.9)

beforeAll(async () => {
  await tinyFlow(model)
  writeImages(images, rows)
})

const score = (options: Partial<ScoreOptions> = {}) => scoreImages({ ...base, ...options })
const fit = (options: Partial<FitOptions> = {}) =>
  fitDetector({
    ...base,
    scale: SCALE,
    rule: 'standardisedSum',
    space: 'model',
    falsePositiveRate: 0.1,
    out: join(folder, 'detector.json'),
    ...options,
  })

describe('score', () => {
  it('gives the log-likelihoods and dimensions of the closed form', async () => {
    const columns = await score({ lidScale: SCALE })
    expect(Object.keys(columns)).toEqual(['image', 'log_prob_pixel', 'bits_per_dim', 'JacobianThresholdLID'])
    expect(columns.image).toEqual(rows.map((_, i) => String(i)))
    for (const [i, row] of rows.entries()) {
      // The graphs compute in float32: 24 bits, some twenty operations, values around ten.
      expect(columns.log_prob_pixel![i]).toBeCloseTo(logProb(row), 4)
      expect(columns.bits_per_dim![i]).toBeCloseTo(-logProb(row) / (4 * Math.LN2), 4)
      expect(columns.JacobianThresholdLID![i]).toBe(lid(row, SCALE))
    }
  })

  it('writes the same CSV after a stop as undisturbed, and leaves nothing else', async () => {
    const undisturbed = join(folder, 'undisturbed.csv')
    const stopped = join(folder, 'stopped.csv')
    await score({ lidScale: SCALE, out: undisturbed })
    const controller = new AbortController()
    let events = 0
    const onProgress = () => {
      events += 1
      if (events === 3) controller.abort()
    }
    const options = { lidScale: SCALE, out: stopped, onProgress, signal: controller.signal }
    await expect(score(options)).rejects.toThrowError(expect.objectContaining({ code: 'E_ABORTED' }))
    expect([existsSync(stopped), existsSync(`${stopped}.run`)]).toEqual([false, true])
    const done: number[] = []
    await score({ lidScale: SCALE, out: stopped, onProgress: (progress) => done.push(progress.done) })
    expect(done[0]).toBe(12)
    expect(readFileSync(stopped, 'utf8')).toBe(readFileSync(undisturbed, 'utf8'))
    expect(existsSync(`${stopped}.run`)).toBe(false)
  })

  it('does not go on from work with other options', async () => {
    const out = join(folder, 'other.csv')
    const signal = AbortSignal.abort()
    await expect(score({ out, signal })).rejects.toThrow('stopped')
    const columns = await score({ out, lidScale: SCALE, limit: 5 })
    expect(columns.JacobianThresholdLID).toHaveLength(5)
  })

  const wrong: [string, () => Partial<ScoreOptions>, string, string][] = [
    ['a model that is not there', () => ({ model: 'nope' }), 'E_UNKNOWN_NAME', 'model: expected a checkpoint folder'],
    [
      'images that are not there',
      () => ({ images: './nope.npy' }),
      'E_FILE',
      './nope.npy: expected a file or folder of images, got nothing there',
    ],
    ['an unknown data set', () => ({ images: 'nope:test' }), 'E_UNKNOWN_NAME', 'nope'],
    [
      'images of another shape',
      () => ({ images: 'sample:mnist:test', limit: 2 }),
      'E_SHAPE',
      'expected images [N, 1, 2, 2], got [2, 1, 28, 28]',
    ],
    [
      'an image with NaN',
      () => ({
        images: writeImages(join(folder, 'nan.npy'), [
          [0, 0, 0, 0],
          [0, Number.NaN, 0, 0],
        ]),
      }),
      'E_NOT_FINITE',
      '',
    ],
    ['an empty file', () => ({ images: writeImages(join(folder, 'empty.npy'), []) }), 'E_EMPTY', 'at least one image'],
    ['a device that is none', () => ({ device: 'abacus' }), 'E_UNKNOWN_NAME', 'abacus'],
    ['a detector that is none', () => ({ detector: images }), 'E_FILE', 'expected a detector that ood fit wrote'],
    ['a truncated graph', () => ({ model: truncated() }), 'E_CHECKSUM', 'decode.onnx'],
  ]
  it.each(wrong)('refuses %s and leaves nothing behind', async (_, options, code, message) => {
    const out = join(folder, 'wrong.csv')
    await expect(score({ out, ...options() })).rejects.toThrowError(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    )
    expect([existsSync(out), existsSync(`${out}.run`)]).toEqual([false, false])
  })

  function truncated(): string {
    const copy = join(folder, 'truncated')
    const write = (name: string, bytes: Uint8Array) => writeFileSync(join(copy, name), bytes)
    if (!existsSync(copy)) openRun({ folder: copy, config: {} }).close()
    for (const name of ['manifest.json', 'encode.onnx', 'decode.onnx']) write(name, readFileSync(join(model, name)))
    write('decode.onnx', readFileSync(join(model, 'decode.onnx')).subarray(0, 100))
    return copy
  }
})

describe('fit', () => {
  it('stores a detector whose scores are the standardised sum of the closed form', async () => {
    const { choice } = (await fit()).fit as LikelihoodLidFit
    expect(choice).toMatchObject({ scale: SCALE, rule: 'fixed' })
    const columns = await score({ detector: join(folder, 'detector.json') })
    // The detector's own space names the column.
    expect(Object.keys(columns).slice(0, 2)).toEqual(['image', 'log_prob_model'])
    const standardised = (values: number[]) => {
      const mean = values.reduce((a, b) => a + b) / values.length
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
      return values.map((value) => (value - mean) / Math.sqrt(variance))
    }
    const p = standardised(rows.map(logProb))
    const d = standardised(rows.map((row) => lid(row, SCALE)))
    for (const [i, value] of p.entries()) expect(columns.score![i]).toBeCloseTo(-(value + d[i]!), 4)
    // At most a tenth of the thirty training images may lie above the threshold.
    const outliers = Array.from(columns.is_outlier as ArrayLike<number>)
    expect(outliers.reduce((a, b) => a + b)).toBeLessThanOrEqual(3)
    expect(Math.max(...(columns.p_value as Float64Array))).toBeLessThanOrEqual(1)
  })

  it('calls a far image an outlier', async () => {
    await fit()
    const far = writeImages(join(folder, 'far.npy'), [
      [0.1, 0.1, 0.01, 0.001],
      [29, 28, 27, 9],
    ])
    const columns = await score({ images: far, detector: join(folder, 'detector.json') })
    expect(Array.from(columns.is_outlier as ArrayLike<number>)).toEqual([0, 1])
  })

  it('chooses the scale by a rule from the images it is given', async () => {
    for (const scale of ['knee', 'scalingRegion'] as const) {
      const { choice } = (await fit({ scale, out: join(folder, `${scale}.json`) })).fit as LikelihoodLidFit
      expect(choice.rule).toBe(scale)
      expect(Number.isFinite(choice.scale)).toBe(true)
    }
  })

  it('is refused by another model, another space and a second scale', async () => {
    await fit()
    const detector = join(folder, 'detector.json')
    const other = await tinyFlow(join(folder, 'other'), 'other', 2)
    await expect(score({ detector, model: other })).rejects.toThrow(/detector model.*: expected tiny@.*, got other@/)
    await expect(score({ detector, space: 'pixel' })).rejects.toThrow('--space: expected model')
    await expect(score({ detector, lidScale: -1 })).rejects.toThrow('--lid')
  })

  it('says before the work starts that a rate is too small for so few images', async () => {
    const out = join(folder, 'small.json')
    const onProgress = () => expect.fail('work was done')
    await expect(fit({ falsePositiveRate: 0.01, out, onProgress })).rejects.toThrow('--fpr: expected at least 1/30')
    expect([existsSync(out), existsSync(`${out}.run`)]).toEqual([false, false])
  })
})

describe('inspect', () => {
  it('says what is in a checkpoint', async () => {
    const report = await inspectTarget(model)
    expect(report.graphs.decode!.operators).toMatchObject({ Exp: 2, Reshape: 1 })
    const text = inspectText(report)
    expect(text).toContain('tiny: flow, trained on none')
    expect(text).toMatch(/^bitsPerDim test +2\.5$/m)
    expect(text).toMatch(/^ {2}outputs +x float32 \[N, 1, 2, 2\]$/m)
    expect(text).toMatch(/^ {2}derivatives +all operators$/m)
  })

  it('says what is in a file and what is wrong with it', async () => {
    expect(inspectText(await inspectTarget(join(model, 'decode.onnx')))).toMatch(/^decode\.onnx: 0\.0 MB, opset \d+, /)
    const broken = join(folder, 'broken.onnx')
    writeFileSync(broken, readFileSync(join(model, 'decode.onnx')).subarray(0, 90))
    await expect(inspectTarget(broken)).rejects.toThrowError(
      expect.objectContaining({ code: 'E_FILE', message: expect.stringContaining(`${broken}: expected`) }),
    )
    await expect(inspectTarget(join(folder, 'none.onnx'))).rejects.toThrow(
      'none.onnx: expected a readable file, got nothing there',
    )
  })
})

describe('status', () => {
  it('lists finished and unfinished steps', async () => {
    const path = join(folder, 'run')
    const run = openRun({ folder: path, config: {} })
    await run.step('train', () => 1)
    const compute = (from: number) => {
      if (from > 0) throw new Error('stop')
      return { x: new Float64Array(2) }
    }
    await expect(run.batches('curve', 4, 2, compute)).rejects.toThrow('stop')
    expect(runStatus(path)).toMatch(
      /not finished, started 1 time, .*\n\nstep +time\n-+ +-+\ntrain +\d+ ms\ncurve +unfinished$/,
    )
    run.finish()
    run.close()
    expect(runStatus(path)).toContain(': finished,')
    expect(() => runStatus(folder)).toThrow('expected a run folder')
  })
})
