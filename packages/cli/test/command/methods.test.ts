// `ood methods`, `ood compare`, `ood fit --method` and `ood score --detector` on flows known in closed form.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { random } from '@ood/core'
import { encodeNpy } from '@ood/datasets'
import { beforeAll, describe, expect, it } from 'vitest'
import { type CompareMethodsOptions, compareMethods, comparisonTable } from '../../src/command/compare.ts'
import { readDetectorFile } from '../../src/command/detector-file.ts'
import { type FitMethodOptions, fitMethodFile } from '../../src/command/fit-method.ts'
import { methodsText } from '../../src/command/methods.ts'
import { type ScoreMethodOptions, scoreWithDetector } from '../../src/command/score-method.ts'
import { temporaryFolder } from '../helpers.ts'
import { inside } from '../inside.ts'
import { sigma, tinyFlow, writeImages } from './tiny-flow.ts'

const folder = temporaryFolder()
const model = join(folder, 'tiny')
const at = (name: string): string => join(folder, name)
const draw = (name: string, count: number, seed: number, factor = 1): string => {
  const rng = random(seed)
  return writeImages(
    at(name),
    Array.from({ length: count }, () => sigma.map((value) => factor * value * Math.sinh(rng.normal()))),
  )
}

beforeAll(async () => {
  await tinyFlow(model, 'tiny', 1, { valueRange: [-1000, 1000] })
  draw('train.npy', 40, 1)
  draw('in.npy', 20, 2)
  draw('far.npy', 20, 3, 6)
  draw('near.npy', 10, 4, 1.5)
})

const base = { models: [model], seed: 0, batchSize: 8, workers: 0 }
const compare = (options: Partial<CompareMethodsOptions> = {}) =>
  compareMethods({
    ...base,
    train: at('train.npy'),
    inDistribution: at('in.npy'),
    ood: { far: at('far.npy'), near: at('near.npy') },
    out: at('run'),
    ...options,
  })

describe('methods', () => {
  it('lists every method with its models and cost', async () => {
    const text = await methodsText()
    expect(text).toMatch(/^recommended +Recommended/m)
    expect(text).toMatch(/^recommended-cheap +.*flow +flow and PNG$/m)
    expect(text).toMatch(/^pixelcnn-ratio +.*Ren et al\. 2019 +autoregressive, autoregressiveBackground/m)
    expect((await inside('methods')).stdout.trim()).toBe(text.trim())
  })
})

describe('compare', () => {
  it('runs every method the model allows, and writes table, scores and report', async () => {
    const found = await compare()
    expect(found.failures).toEqual([])
    const names = found.results.map(({ method }) => method)
    expect(names).toEqual(expect.arrayContaining(['flow-likelihood', 'flow-typicality', 'recommended-cheap', 'dose']))
    // Pixels of this flow are no bytes, so nothing that needs a PNG runs.
    expect(names).not.toContain('flow-complexity')
    const csv = readFileSync(join(at('run'), 'results.csv'), 'utf8')
      .trim()
      .split('\n')
    expect(csv[0]).toBe('method,set,auroc,auroc_low,auroc_high,fpr_at_95,aupr,flagged,seconds')
    expect(csv).toHaveLength(1 + 2 * names.length)
    const { results } = JSON.parse(readFileSync(join(at('run'), 'results.json'), 'utf8'))
    expect(results.map(({ method }: { method: string }) => method)).toEqual(names)
    const scores = readFileSync(join(at('run'), 'scores', 'far.csv'), 'utf8')
      .trim()
      .split('\n')
    expect([scores[0], scores.length]).toEqual([names.join(','), 21])
    expect(readFileSync(join(at('run'), 'report.html'), 'utf8')).toContain('flow-likelihood')
    const table = comparisonTable(found)
    expect(table.split('\n')[0]).toMatch(/^method +AUROC far +AUROC near +mean +FPR@95 +AUPR +flagged in +s\/image$/)
    const best = found.results.find(({ method }) => method === 'flow-likelihood')!
    expect(best.rows[0]!.auroc).toBeGreaterThan(0.95)
  })

  it('goes on after a stop and finds the same', async () => {
    const controller = new AbortController()
    let events = 0
    const stopped = compare({
      out: at('stopped'),
      signal: controller.signal,
      onProgress: () => {
        events++
        if (events === 6) controller.abort()
      },
    })
    await expect(stopped).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(existsSync(join(at('stopped'), 'results.csv'))).toBe(false)
    let again = 0
    await compare({ out: at('stopped'), onProgress: () => void again++ })
    const undisturbed = { count: 0 }
    await compare({ out: at('whole'), onProgress: () => void undisturbed.count++ })
    expect(again).toBeLessThan(undisturbed.count)
    const scores = (run: string, set: string) => readFileSync(join(at(run), 'scores', `${set}.csv`), 'utf8')
    for (const set of ['in', 'far', 'near']) expect(scores('stopped', set)).toBe(scores('whole', set))
  })

  it('runs a method that is asked for twice once', async () => {
    const found = await compare({ methods: ['gaussian', 'dose', 'dose'], out: at('twice') })
    expect(found.results.map(({ method }) => method)).toEqual(['gaussian', 'dose'])
  })

  const wrong: [string, string[], RegExp][] = [
    ['a set without =', ['--ood', 'far.npy'], /^--ood: expected name=source, got far\.npy$/],
    ['a set without a name', ['--ood', '=far.npy'], /^--ood: expected name=source, got =far\.npy$/],
    [
      'a set that is given twice',
      ['--ood', `a=${'x'}`, '--ood', 'a=y'],
      /^--ood: expected different names, got a twice$/,
    ],
    ['the name of the in-distribution set', ['--ood', `in=${at('far.npy')}`], /^--ood: expected a name other than/],
    ['the name of the training set', ['--ood', `train=${at('far.npy')}`], /^--ood: expected a name other than/],
    ['a name with a path', ['--ood', `../x=${at('far.npy')}`], /^--ood: expected a name of letters/],
    ['a set that is not there', ['--ood', 'far=./nope.npy'], /^\.\/nope\.npy: expected a file or folder of images/],
    [
      'a method that is none',
      ['--ood', `far=${at('far.npy')}`, '--methods', 'best'],
      /^method: expected one of .*got best$/,
    ],
    [
      'a method without its model',
      ['--ood', `far=${at('far.npy')}`, '--methods', 'pixelcnn-ratio'],
      /^method pixelcnn-ratio: expected models of role autoregressive/,
    ],
  ]
  it.each(wrong)('refuses %s in one line', async (_, args, message) => {
    const end = await inside(
      ...['compare', '-m', model, '--train', at('train.npy'), '--in', at('in.npy'), '--workers', '0'],
      ...['-o', at('wrong'), ...args],
    )
    expect(end.stderr).toMatch(message)
    expect(existsSync(join(at('wrong'), 'results.csv'))).toBe(false)
  })
})

const fit = (options: Partial<FitMethodOptions> = {}) =>
  fitMethodFile({
    ...base,
    method: 'recommended-cheap',
    images: at('train.npy'),
    falsePositiveRate: 0.1,
    out: at('cheap.json'),
    ...options,
  })
const score = (options: Partial<ScoreMethodOptions> = {}, file = at('cheap.json')) =>
  scoreWithDetector(readDetectorFile(file)!, { ...base, images: at('far.npy'), ...options })

describe('fit and score', () => {
  it('give score, p-value, verdict and reason of every image', async () => {
    await fit()
    const columns = await score()
    expect(Object.keys(columns)).toEqual(['image', 'score', 'p_value', 'is_outlier', 'reason'])
    expect(columns.image).toHaveLength(20)
    expect(new Set(columns.reason as string[]).size).toBeGreaterThan(0)
    for (const reason of columns.reason as string[])
      expect(['flow: flow log p', 'flow: pixel values', 'flow: flow latents', 'pixels']).toContain(reason)
    const outliers = Array.from(columns.is_outlier as ArrayLike<number>).reduce((a, b) => a + b)
    expect(outliers).toBeGreaterThan(14)
    expect(Math.max(...(columns.p_value as Float64Array))).toBeLessThanOrEqual(1)
    const train = await score({ images: at('train.npy') })
    expect(Array.from(train.is_outlier as ArrayLike<number>).reduce((a, b) => a + b)).toBeLessThanOrEqual(4)
  })

  it('take threshold and p-values from held-out images when there are any', async () => {
    const [own, heldOut] = [await fit(), await fit({ calibrate: at('in.npy'), out: at('held-out.json') })]
    expect(heldOut.fit).toEqual(own.fit)
    expect(heldOut.threshold).not.toBe(own.threshold)
    const columns = await score({ images: at('in.npy') }, at('held-out.json'))
    expect(Array.from(columns.is_outlier as ArrayLike<number>).reduce((a, b) => a + b)).toBeLessThanOrEqual(2)
  })

  it('write the same CSV after a stop, through the command', async () => {
    await fit()
    const out = at('scores.csv')
    const end = await inside(
      ...['score', '-m', model, '-i', at('far.npy'), '--detector', at('cheap.json'), '-o', out, '--workers', '0'],
    )
    expect(end.stderr).not.toMatch(/error/i)
    expect(readFileSync(out, 'utf8')).toMatch(/^image,score,p_value,is_outlier,reason\n0,/)
    const controller = new AbortController()
    const options = { out: at('stopped.csv'), signal: controller.signal, onProgress: () => controller.abort() }
    await expect(score(options)).rejects.toMatchObject({ code: 'E_ABORTED' })
    await score({ out: at('stopped.csv') })
    expect(readFileSync(at('stopped.csv'), 'utf8')).toBe(readFileSync(await scored(), 'utf8'))

    async function scored(): Promise<string> {
      await score({ out: at('undisturbed.csv') })
      return at('undisturbed.csv')
    }
  })

  it('goes on after a stop, with what another method over the same models has measured, and clears up', async () => {
    const stop = async (out: string, method: string) => {
      const controller = new AbortController()
      let events = 0
      const onProgress = () => {
        events++
        if (events === 4) controller.abort()
      }
      const stopped = fit({ method, out: at(out), calibrate: at('in.npy'), signal: controller.signal, onProgress })
      await expect(stopped).rejects.toMatchObject({ code: 'E_ABORTED' })
      expect([existsSync(at(out)), existsSync(`${at(out)}.run`)]).toEqual([false, true])
    }
    const finish = async (out: string, images = at('train.npy')) => {
      let measured = 0
      await fit({ out: at(out), images, calibrate: at('in.npy'), onProgress: () => void measured++ })
      expect([existsSync(at(out)), existsSync(`${at(out)}.run`)]).toEqual([true, false])
      return measured
    }
    const whole = await finish('whole.json')
    await stop('again.json', 'recommended-cheap')
    expect(await finish('again.json')).toBeLessThan(whole)
    expect(readFileSync(at('again.json'), 'utf8')).toBe(readFileSync(at('whole.json'), 'utf8'))
    await stop('shared.json', 'dose')
    expect(await finish('shared.json')).toBeLessThan(whole)
    expect(readFileSync(at('shared.json'), 'utf8')).toBe(readFileSync(at('whole.json'), 'utf8'))
    // Other images: nothing that was stored is of use.
    await stop('other.json', 'recommended-cheap')
    await finish('other.json', draw('train-2.npy', 40, 11))
    expect(JSON.parse(readFileSync(at('other.json'), 'utf8')).fit).toEqual(
      (await fit({ images: at('train-2.npy'), out: at('other-2.json') })).fit,
    )
  })

  it('refuse another model, images of another shape, and options that contradict the detector', async () => {
    await fit()
    const other = await tinyFlow(at('other'), 'other', 2, { valueRange: [-1000, 1000] })
    await expect(score({ models: [other] })).rejects.toThrow(/detector model flow: expected tiny@.*, got other@/)
    await expect(score({ images: 'sample:mnist:test', limit: 2 })).rejects.toThrow('[N, 1, 2, 2]')
    const end = await inside('score', '-m', model, '-i', at('in.npy'), '--detector', at('cheap.json'), '--lid', '1')
    expect(end.stderr).toMatch(/^--space and --lid: expected none beside a detector of recommended-cheap/)
    await expect(fit({ falsePositiveRate: 0.001 })).rejects.toThrow('--fpr: expected at least 1/40')
    await expect(fit({ method: 'flow-complexity' })).rejects.toThrow(/expected models of 8-bit images/)
  })

  it('say in one line what is wrong with a file', async () => {
    const stored = JSON.parse(readFileSync(at('cheap.json'), 'utf8'))
    const broken: [string, string, RegExp][] = [
      ['text.json', 'hello', /text\.json: expected a detector that ood fit wrote/],
      ['name.json', JSON.stringify({ ...stored, registryName: 3 }), /name\.json registryName: expected text/],
      ['unknown.json', JSON.stringify({ ...stored, registryName: 'best' }), /method: expected one of .*got best/],
      ['fit.json', JSON.stringify({ ...stored, fit: {} }), /fit\.json: detector state fit/],
      [
        'other.json',
        JSON.stringify({ ...stored, registryName: 'flow-likelihood' }),
        /other\.json: detector state method/,
      ],
      ['threshold.json', JSON.stringify({ ...stored, threshold: 'x' }), /threshold\.json: detector state threshold/],
      ['null.json', 'null', /null\.json: expected a detector that ood fit wrote/],
    ]
    for (const [name, text, message] of broken) {
      writeFileSync(at(name), text)
      const end = await inside('score', '-m', model, '-i', at('in.npy'), '--workers', '0', '--detector', at(name))
      expect(end.stderr).toMatch(message)
      expect(end.stderr.trim().split('\n')).toHaveLength(1)
    }
    const none = await inside('score', '-m', model, '-i', at('in.npy'), '--detector', at('nope.json'))
    expect(none.stderr).toMatch(/nope\.json: expected a detector that ood fit wrote, got/)
    const dir = await inside('score', '-m', model, '-i', at('in.npy'), '--detector', folder)
    expect(dir.stderr).toMatch(/expected a detector that ood fit wrote, got/)
  })
})

describe('broken pictures', () => {
  // A grey PNG of 2 x 2 pixels 0, 85, 170, 255, made with Python's zlib.
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNgCGVY9R8AA60B/2f7ygkAAAAASUVORK5CYII=',
    'base64',
  )
  const pictures = (name: string, whole: number, broken: number): string => {
    mkdirSync(at(name))
    for (let i = 0; i < whole; i++) writeFileSync(join(at(name), `a${i}.png`), png)
    for (let i = 0; i < broken; i++) writeFileSync(join(at(name), `b${i}.png`), png.subarray(0, 40))
    return at(name)
  }

  it('are counted by fit and compare, the first with their reasons', async () => {
    const [many, one, none] = [pictures('many', 20, 7), pictures('one', 3, 1), pictures('none', 3, 0)]
    const args = ['-m', model, '--workers', '0', '--on-error', 'skip']
    const fitted = await inside(
      ...['fit', ...args, '--method', 'flow-likelihood', '-i', many, '--calibrate', one, '-o', at('p.json')],
      ...['--fpr', '0.5'],
    )
    expect(fitted.stderr.match(/skipped: .*many.b\d\.png: expected a whole PNG/g)).toHaveLength(5)
    expect(fitted.stderr).toContain(`skipped: 2 more of ${many}`)
    expect(fitted.stdout).toContain(`${at('p.json')}, 8 broken ones skipped`)
    const compared = await inside(
      ...['compare', ...args, '--methods', 'flow-likelihood', '--train', many, '--in', none],
      ...['--ood', `far=${one}`, '-o', at('pictures')],
    )
    expect(compared.stdout).toContain('8 broken ones skipped')
    const { skipped } = JSON.parse(readFileSync(join(at('pictures'), 'results.json'), 'utf8'))
    expect([Object.keys(skipped), skipped.train.count, skipped.train.reasons.length, skipped.far.count]).toEqual([
      ['train', 'far'],
      7,
      5,
      1,
    ])
    expect(readFileSync(join(at('pictures'), 'report.html'), 'utf8')).toMatch(/7 broken of train left out/)
  })
})

describe('sequences', () => {
  const models = ['lstm-genome', 'lstm-genome-background']
  type Tokens = Uint8Array | Int32Array | BigInt64Array | Float32Array
  const tokens = (name: string, length: number, make: (draw: () => number, total: number) => Tokens): string => {
    const rng = random(length)
    const rows = 12
    const data = make(() => Math.floor(4 * rng.uniform()), rows * length)
    writeFileSync(at(name), encodeNpy({ data, shape: [rows, length] }))
    return at(name)
  }
  const int64 = (draw: () => number, total: number) => BigInt64Array.from({ length: total }, () => BigInt(draw()))
  const same = (draw: () => number, total: number) => new Uint8Array(total).fill(draw())

  it('of integer tokens are read by fit, score and compare; all of one length', async () => {
    const [train, far] = [tokens('dna.npy', 250, int64), tokens('repeat.npy', 250, same)]
    const args = { models, workers: 0, method: 'sequence-ratio', images: train, falsePositiveRate: 0.2 }
    const stored = await fit({ ...args, out: at('dna.json') })
    expect(stored.data?.shape).toEqual([250])
    const columns = await score({ models, images: far }, at('dna.json'))
    expect([Object.keys(columns), columns.image!.length]).toEqual([['image', 'score', 'p_value', 'is_outlier'], 12])
    const found = await compare({ models, train, inDistribution: train, ood: { far }, out: at('dna') })
    expect(found.failures).toEqual([])
    expect(found.results.map(({ method }) => method)).toEqual([
      'sequence-likelihood',
      'sequence-typicality',
      'sequence-ratio',
    ])
    // Of another length, which the graph takes: a detector is for the length it was fitted on.
    const short = tokens('short.npy', 60, (draw, total) => Int32Array.from({ length: total }, draw))
    expect((await fit({ ...args, images: short, out: at('short.json') })).data?.shape).toEqual([60])
    expect((await score({ models, images: short }, at('short.json'))).image).toHaveLength(12)
    await expect(score({ models, images: short }, at('dna.json'))).rejects.toThrow('rows of shape [250], got [60]')
    await expect(compare({ models, train, inDistribution: short, ood: { far }, out: at('mixed') })).rejects.toThrow(
      'short.npy: expected rows [N, 250], got [12, 60]',
    )
  })

  it('that are none are refused in one line', async () => {
    const parts = tokens('parts.npy', 20, (draw, total) => Float32Array.from({ length: total }, () => draw() + 0.5))
    const bases = tokens('bases.npy', 20, (_, total) => Int32Array.from({ length: total }, (_, i) => i % 5))
    for (const [images, message] of [
      [parts, /expected integers in \[0, 3\], got \d\.5 in row 0 at position \d/],
      [bases, /expected integers in \[0, 3\], got 4 in row 0 at position 4/],
      [at('train.npy'), /train\.npy: expected rows \[N, T\], got \[40, 2, 2\]/],
    ] as const)
      expect((await inside('score', '-m', models[0]!, '-i', images, '--workers', '0')).stderr).toMatch(message)
  })

  it('score without a detector gives log p and bits a token', async () => {
    const source = tokens('plain.npy', 30, int64)
    const end = await inside('score', '-m', models[0]!, '-i', source, '--workers', '0')
    const [head, row] = end.stdout.split('\n')
    expect(head).toBe('image,log_prob,bits_per_token')
    const [, nats, bits] = row!.split(',').map(Number)
    expect(bits).toBeCloseTo(-nats! / (29 * Math.LN2), 12)
    const wrong = await inside('score', '-m', models[0]!, '-i', source, '--lid', '1')
    expect(wrong.stderr).toBe('--space and --lid: expected none beside a model that is no flow, got one')
  })
})
