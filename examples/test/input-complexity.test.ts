// The input-complexity example on models written down: the paradox and its correction, resume, options, command line.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { flatData, type NdArray, random, rowCount, rowSize, tensor } from '@ood/core'
import { type Codec, pngCodec } from '@ood/llr'
import { openRun } from '@ood/run'
import { afterAll, describe, expect, it } from 'vitest'
import { createBench } from '../common/bench.ts'
import { parseOptions as parse } from '../common/command-line.ts'
import { directionsOf, eachName } from '../common/splits.ts'
import { evaluate, MINIMUM } from '../input-complexity/evaluate.ts'
import { example as complexity } from '../input-complexity/index.ts'
import {
  type LogProbModel,
  loadImages,
  measure,
  type SetName,
  setNames,
  sourceOf,
} from '../input-complexity/measure.ts'
import { evenRanks } from '../input-complexity/strips.ts'

const parseOptions = (argv: string[], env: NodeJS.ProcessEnv) => parse(complexity, argv, env)

const N = 20
const script = fileURLToPath(new URL('../run.ts', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'ood-complexity-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** Images of 8 x 8 whose pixels are grey with probability p, else black. */
function sparks(seed: number, p: number): NdArray {
  const rng = random(seed)
  const data = Float32Array.from({ length: N * 64 }, () => (rng.uniform() < p ? 1 + rng.integer(200) : 0))
  return tensor(data, [N, 1, 8, 8])
}

const images: Record<SetName, NdArray> = {
  in_distr_train: sparks(1, 0.6),
  in_distr_test: sparks(2, 0.6),
  ood: sparks(3, 0.05),
}

/** The exact likelihood of images with p = 0.6, as a smooth model would have it: black images are likely. */
const model: LogProbModel = {
  manifest: { name: 'exact', sha256: { 'params.onnx': 'e'.repeat(64) } } as unknown as LogProbModel['manifest'],
  async logProb(x: NdArray) {
    const d = rowSize(x)
    const data = Array.from(flatData(x))
    const ofRow = (_: unknown, i: number) =>
      data.slice(i * d, (i + 1) * d).reduce((sum, value) => sum + Math.log(value === 0 ? 0.4 : 0.6 / 200), 0)
    return { instance: Float64Array.from({ length: rowCount(x) }, ofRow) }
  },
}

const raw: Codec = { name: 'raw', lossless: true, encode: ({ data }) => data }

async function runIn(folder: string, stopAfter = Number.POSITIVE_INFINITY) {
  const stop = new AbortController()
  let events = 0
  const onProgress = () => {
    if (++events >= stopAfter) stop.abort()
  }
  const run = openRun({ folder: join(work, folder), config: { test: 'input-complexity' } })
  try {
    const bench = createBench({ run, seed: 0, signal: stop.signal, onProgress })
    const [direction] = directionsOf('tiny')
    return await eachName(setNames, (set) =>
      measure(bench, { direction: direction!, set, images: images[set], model }, [pngCodec(), raw], 8),
    )
  } finally {
    run.close()
  }
}

describe('the input-complexity example', () => {
  it('finds the paradox and corrects it', async () => {
    const sets = await runIn('whole')
    const { likelihood, codecs, minimum } = evaluate(sets, ['png', 'raw'])
    expect(likelihood.auc).toBe(0)
    expect(likelihood.flagged.ood).toBe(0)
    // Sizes that do not depend on the image correct nothing.
    const [png, flat] = codecs as [(typeof codecs)[0], (typeof codecs)[0]]
    expect([flat.codec, flat.auc, flat.alone, flat.bytes.ood]).toEqual(['raw', 0, 0.5, 64])
    expect(png.auc).toBeGreaterThan(0.9)
    expect(png.alone).toBe(0)
    expect(minimum.codec).toBe(MINIMUM)
    // Raw bytes are smaller than PNG for noise of 8 x 8: no container. Each image has one smallest file.
    for (const set of setNames) {
      expect(png.wins![set] + flat.wins![set]).toBe(1)
      expect(minimum.bytes[set]).toBeLessThanOrEqual(Math.min(png.bytes[set], flat.bytes[set]))
    }
    // A threshold for 5 % of 20 calibration images.
    expect(png.flagged.inDistr).toBeLessThanOrEqual(0.3)
  })

  it('ends with the same numbers when stopped and started again', async () => {
    const whole = await runIn('again')
    for (const after of [2, 7]) await expect(runIn('cut', after)).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(await runIn('cut')).toEqual(whole)
  })

  it('leaves out the row of a codec that failed on an image, and counts it where it did not', async () => {
    const sets = structuredClone(await runIn('whole'))
    sets.ood.bytes[0]![3] = Number.POSITIVE_INFINITY
    const { codecs, minimum } = evaluate(sets, ['png', 'raw'])
    expect(codecs.map(({ codec }) => codec)).toEqual(['raw'])
    expect(Number.isFinite(minimum.auc)).toBe(true)
  })

  it('sorts images for the sheets by value, ends included', () => {
    expect(evenRanks(Float64Array.of(5, 1, 4, 2, 3), 3)).toEqual([1, 4, 0])
    expect(evenRanks(Float64Array.of(2, 1), 16)).toEqual([1, 0])
    expect(evenRanks(Float64Array.of(7), 1)).toEqual([0])
  })

  it('takes thresholds from images that are not scored', async () => {
    const direction = { inDistribution: 'mnist', ood: 'fashion-mnist' } as const
    expect(setNames.map((set) => sourceOf(direction, set))).toEqual([
      ['mnist', 'held-out'],
      ['mnist', 'test'],
      ['fashion-mnist', 'test'],
    ])
    const options = { n: 8, seed: 0, dataDir: undefined }
    const [calibration, test] = [
      await loadImages(direction, 'in_distr_train', options),
      await loadImages(direction, 'in_distr_test', options),
    ]
    expect(calibration.shape).toEqual([8, 1, 28, 28])
    expect(Array.from(calibration.data)).not.toEqual(Array.from(test.data))
  })
})

describe('options of the input-complexity example', () => {
  it('has defaults, and takes codecs and other models', () => {
    expect(parseOptions([], {})).toMatchObject({
      n: 128,
      model: 'flow',
      checkpoints: undefined,
      codecs: undefined,
      folder: join('runs', 'input-complexity'),
    })
    expect(parseOptions(['--codecs', 'png,webp', '--model', 'pixelcnn'], {})).toMatchObject({
      codecs: ['png', 'webp'],
      model: 'pixelcnn',
      folder: join('runs', 'input-complexity-pixelcnn'),
    })
    expect(parseOptions(['--help'], {})).toBeUndefined()
  })

  it.each([
    [['--codecs', 'flif'], '--codecs: expected one of png, webp, jpeg2000, jpeg-xl, got flif'],
    [['--codecs', 'png,png'], '--codecs: expected each name once, got png,png'],
    [['--model', '../flow'], '--model: expected a plain name, got ../flow'],
    [['--checkpoints', ''], '--checkpoints: expected a folder, got an empty string'],
  ])('refuses %j', (argv, message) => {
    expect(() => parseOptions(argv, {})).toThrow(message)
  })
})

describe('npm run example -- input-complexity', () => {
  const example = (...args: string[]) => {
    const node = [
      '--import',
      import.meta.resolve('tsx'),
      '--conditions=@ood/source',
      script,
      'input-complexity',
      ...args,
    ]
    return spawnSync(process.execPath, node, { cwd: work, encoding: 'utf8' })
  }

  it('writes a report and a summary with the AUCs of likelihood and of every codec', () => {
    const { status, stdout } = example('--n', '16', '--codecs', 'png', '--workers', '0', '--run', 'small')
    expect(stdout).toContain('fmnist->mnist, likelihood alone')
    expect(status).toBe(0)
    const read = (file: string) => readFileSync(join(work, 'runs', 'small', file), 'utf8')
    const { auc, config } = JSON.parse(read('summary.json'))
    expect(config.codecs).toEqual(['png'])
    // Sixteen images a set: 0.10 and 0.99 on many, here loosely.
    expect(auc['fmnist->mnist'].likelihood).toBeLessThan(0.4)
    expect(auc['fmnist->mnist'].complexity).toBeGreaterThan(0.9)
    expect(auc['fmnist->mnist'].png).toBe(auc['fmnist->mnist'].complexity)
    expect(read('flow-fmnist/ood/metrics.csv').split('\n')[0]).toBe(
      'log-likelihood,complexity-scores,oodScore,winner,png-bytes',
    )
    expect(read('report.html').match(/<svg/g)?.length).toBe(14)
  }, 300_000)

  it('names checkpoints that are not there, in one line, and writes nothing', () => {
    const { status, stderr } = example('--model', 'no-such-model')
    expect(stderr.trim().split('\n').at(-1)).toBe(
      'error: --model no-such-model: expected a checkpoint no-such-model-fmnist or no-such-model-mnist in the shipped checkpoints, got neither',
    )
    expect([status, existsSync(join(work, 'runs', 'input-complexity-no-such-model'))]).toEqual([2, false])
  })
})
