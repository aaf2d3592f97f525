// The ratio example on models written down: a paradox by construction, choices from training images, resume, its files.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatTable, openRun, type Run } from '@ood/run'
import { checkpointPath } from '@ood/zoo'
import { afterAll, describe, expect, it } from 'vitest'
import { createBench } from '../common/bench.ts'
import { parseOptions as parse } from '../common/command-line.ts'
import { writeReport } from '../common/example.ts'
import { factsOf } from '../common/model-facts.ts'
import { directionsOf } from '../common/splits.ts'
import { choose, methods } from '../likelihood-ratio/choose.ts'
import { type DirectionResult, evaluate } from '../likelihood-ratio/evaluate.ts'
import { example } from '../likelihood-ratio/index.ts'
import {
  choiceSets,
  loadImages,
  type Measured,
  measureMaps as mapsOf,
  measure as measureSets,
  type SetName,
  setNames,
  testSets,
} from '../likelihood-ratio/measure.ts'
import { SIDE, standInImages, standInPair } from './stand-in-pair.ts'

const parseOptions = (argv: string[], env: NodeJS.ProcessEnv) => parse(example, argv, env)

const N = 21
const work = mkdtempSync(join(tmpdir(), 'ood-ratio-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

const measuring = (over = {}) => ({
  pair: standInPair(),
  seed: 0,
  signal: new AbortController().signal,
  onProgress: () => {},
  batch: 8,
  ...over,
})
type Measuring = ReturnType<typeof measuring>

/** What the example does with a run, on the stand-in pair and its images. */
const measure = (run: Run<unknown>, { pair, batch, ...call }: Measuring) =>
  measureSets(createBench({ run, ...call }), 'tiny-fmnist', pair, standInImages(N), batch)
const measureMaps = (run: Run<unknown>, { pair, batch: _, ...call }: Measuring) =>
  mapsOf(createBench({ run, ...call }), 'tiny-fmnist', pair, standInImages(N))

async function inRun<T>(folder: string, use: (run: Run<unknown>) => Promise<T>): Promise<T> {
  const run = openRun({ folder: join(work, folder), config: { test: 'likelihood-ratio' } })
  try {
    return await use(run)
  } finally {
    run.close()
  }
}

const chosen = (sets: Record<SetName, Measured>) =>
  choose({ in_distr_train: sets.in_distr_train, ood_train: sets.ood_train })

describe('the ratio example', () => {
  it('finds the paradox and resolves it', async () => {
    const sets = await inRun('whole', (run) => measure(run, measuring()))
    const choices = chosen(sets)
    const { results, gain } = evaluate(sets, choices)
    // Blank sheets are likelier under both models, and the object is missing from them.
    expect(results.likelihood.auc).toBe(0)
    expect(results.background.auc).toBe(0)
    expect(results.llr.auc).toBe(1)
    expect(gain.difference).toBe(1)
    const { f1, accuracy, precision, recall } = results.llr.decided.contaminated
    expect([f1, accuracy, precision, recall]).toEqual([1, 1, 1, 1])
    expect(results.llr.decided.clean.recall).toBe(1)
    expect(choices.contaminatedImages).toBe(2 * N)
    // 0.05 is a share of 21 images that can be resolved: one may be flagged.
    expect(choices.falsePositiveRate).toBe(0.05)
    const flagged = sets.in_distr_train.semantic.filter(
      (value, i) => sets.in_distr_train.background[i]! - value > choices.thresholds.llr.clean,
    )
    expect(flagged.length).toBeLessThanOrEqual(1)
  })

  it('gives the same bits in batches of any size', async () => {
    const small = await inRun('small', (run) => measure(run, measuring({ batch: 3 })))
    const large = await inRun('large', (run) => measure(run, measuring({ batch: 64 })))
    expect(small).toEqual(large)
  })

  it('ends with the same numbers when stopped and started again', async () => {
    const whole = await inRun('again', (run) => measure(run, measuring()))
    for (const after of [2, 9]) {
      const stop = new AbortController()
      let events = 0
      const onProgress = () => {
        if (++events >= after) stop.abort()
      }
      const stopped = inRun('cut', (run) => measure(run, measuring({ signal: stop.signal, onProgress })))
      await expect(stopped).rejects.toMatchObject({ code: 'E_ABORTED' })
    }
    const resumed = await inRun('cut', (run) => {
      expect(run.resumed).toBe(true)
      return measure(run, measuring())
    })
    expect(resumed).toEqual(whole)
  })

  it('computes nothing again when everything is there, and everything again for other models', async () => {
    let calls = 0
    const pair = standInPair()
    const { logProb } = pair.semantic
    pair.semantic = {
      ...pair.semantic,
      logProb: (x, options) => {
        calls++
        return logProb(x, options)
      },
    }
    const once = async () => await inRun('counted', (run) => measure(run, measuring({ pair })))
    await once()
    const first = calls
    expect(first).toBe(setNames.length * Math.ceil(N / 8))
    await once()
    expect(calls).toBe(first)
    const { background } = standInPair()
    pair.background = { ...background, manifest: { ...background.manifest, sha256: { a: 'other' } } }
    await once()
    // Each model is measured by itself: the semantic one's numbers still stand.
    expect(calls).toBe(first)
    const { manifest } = pair.semantic
    pair.semantic = { ...pair.semantic, manifest: { ...manifest, sha256: { a: 'another' } } }
    await once()
    expect(calls).toBe(2 * first)
  })

  it('hands both models the same seed and the same rows', async () => {
    const seen: unknown[] = []
    const pair = standInPair()
    for (const role of ['semantic', 'background'] as const) {
      const { logProb } = pair[role]
      pair[role] = {
        ...pair[role],
        logProb: (x, options) => {
          const { seed, rows } = options as { seed?: number; rows?: number[] }
          seen.push([role, seed, rows])
          return logProb(x, options)
        },
      }
    }
    await inRun('seeded', (run) => measure(run, measuring({ pair, seed: 7, batch: 16 })))
    const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
    expect(seen.slice(0, 4)).toEqual([
      ['semantic', 7, rows(0, 16)],
      ['semantic', 7, rows(16, N)],
      ['background', 7, rows(0, 16)],
      ['background', 7, rows(16, N)],
    ])
  })
})

describe('choices of the ratio example', () => {
  it('are the same for entirely different test images, while the evaluation differs', async () => {
    const sets = await inRun('whole', (run) => measure(run, measuring()))
    const expected = chosen(sets)
    const other = { ...sets, in_distr_test: sets.ood, ood: sets.in_distr_test }
    expect(chosen(other)).toEqual(expected)
    expect(evaluate(other, expected).results.llr.auc).toBe(0)
  })

  it('touch no test set', async () => {
    const sets = await inRun('whole', (run) => measure(run, measuring()))
    const touched = new Set<string>()
    const watched = new Proxy(sets, {
      get(target, name) {
        touched.add(String(name))
        return Reflect.get(target, name)
      },
    })
    const nan = Object.fromEntries(testSets.map((name) => [name, { semantic: new Float64Array(N).fill(Number.NaN) }]))
    expect(choose({ ...sets, ...nan } as typeof sets)).toEqual(choose(watched))
    expect([...touched].sort()).toEqual([...choiceSets].sort())
  })

  it('change with the images they are made from', async () => {
    const sets = await inRun('whole', (run) => measure(run, measuring()))
    const shifted = { ...sets.in_distr_train, semantic: sets.in_distr_train.semantic.map((value) => value - 3) }
    const before = chosen(sets)
    const after = choose({ in_distr_train: shifted, ood_train: sets.ood_train })
    expect(after.thresholds.llr.clean).toBeCloseTo(before.thresholds.llr.clean + 3, 9)
    expect(after.entropy).toBeCloseTo(before.entropy + 3, 9)
  })

  it('use images of the packaged training samples for thresholds, and none of the test images', async () => {
    const [direction] = directionsOf('pixelcnn')
    const images = await loadImages(direction!, { n: 40, seed: 0, dataDir: undefined })
    const keys = (name: SetName) => {
      const { data } = images[name]
      return Array.from({ length: 40 }, (_, i) => data.subarray(784 * i, 784 * (i + 1)).join())
    }
    const tested = new Set(testSets.flatMap(keys))
    expect(tested.size).toBe(80)
    for (const name of choiceSets) expect(keys(name).filter((key) => tested.has(key))).toEqual([])
    const many = await loadImages(direction!, { n: 400, seed: 0, dataDir: undefined })
    expect(setNames.map((name) => many[name].shape[0])).toEqual([400, 250, 400, 400])
  })
})

describe('what the ratio example writes', () => {
  async function written(folder: string, features: boolean) {
    return await inRun(folder, async (run) => {
      const options = measuring({ pair: standInPair({ features }) })
      const sets = await measure(run, options)
      const maps = await measureMaps(run, options)
      const choices = chosen(sets)
      const { semantic, background } = options.pair
      const results = directionsOf('tiny').map(
        (direction): DirectionResult => ({
          direction,
          validation: false,
          models: { semantic: factsOf(semantic.manifest), background: factsOf(background.manifest) },
          sets,
          choices,
          evaluation: evaluate(sets, choices),
          maps,
          samples: undefined,
          secondsPerImage: 0.5,
        }),
      )
      const config = { ...parseOptions([], {})!, n: N }
      run.writeJson('summary.json', example.summary(results, config))
      const { path, table } = await writeReport(run, example, results, config)
      const report = readFileSync(path, 'utf8')
      const text = readFileSync(join(work, folder, 'summary.json'), 'utf8')
      return { maps, report, text, table: formatTable(table) }
    })
  }

  it('has the promised keys, both directions, and maps whose pixels add up', async () => {
    const { maps, report, text, table } = await written('written', true)
    const read = JSON.parse(text)
    for (const key of ['f1', 'accuracy', 'precision', 'recall', 'threshold', 'seconds', 'n'])
      expect([key, typeof read[key]]).toEqual([key, 'number'])
    expect(Object.keys(read.auc).sort()).toEqual([...methods].sort())
    expect(read.auc).toMatchObject({ likelihood: 0, llr: 1 })
    expect(read.interval.llr).toHaveLength(2)
    expect(Object.keys(read.directions)).toEqual(['fmnist->mnist', 'mnist->fmnist'])
    expect(read.directions['fmnist->mnist'].auc).toEqual(read.auc)
    expect(read.models.background.name).toBe('tiny-background')
    expect(read.confusion).toMatchObject({ truePositives: N, trueNegatives: N })
    expect(table).toContain('Fashion-MNIST against MNIST')

    const { ood } = maps!
    expect(ood.semantic.shape).toEqual([5, SIDE, SIDE])
    const pixels = Float64Array.from(ood.semantic.data)
    const sums = Array.from({ length: 5 }, (_, row) =>
      pixels.subarray(row * SIDE ** 2, (row + 1) * SIDE ** 2).reduce((sum, value) => sum + value, 0),
    )
    const { instance } = await standInPair().semantic.logProb(ood.images)
    expect(sums).toEqual([...instance])
    expect(report).toContain('Where in the image the evidence lies')
    expect(read.seconds).toBe(0.5 * setNames.length * N)
    // Two directions with four charts, two confusion matrices, a ROC and a grid of maps each.
    expect(report.match(/<figure>/g)).toHaveLength(16)
  })

  it('leaves the maps out for models without log-probabilities of pixels', async () => {
    const { maps, report } = await written('flat', false)
    expect(maps).toBeUndefined()
    expect(report).not.toContain('Where in the image the evidence lies')
  })
})

/** Runs a script of the examples as a user would, in the temporary folder. */
function start(script: string, ...args: string[]) {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const node = ['--import', import.meta.resolve('tsx'), '--conditions=@ood/source', path, ...args]
  return spawnSync(process.execPath, node, { cwd: work, encoding: 'utf8' })
}

describe('a ratio run that is killed', () => {
  it('ends with the files of an undisturbed one', async () => {
    expect(start('fixtures-ratio.ts', 'killed', '5').signal).toBe('SIGKILL')
    expect(existsSync(join(work, 'killed', 'ood', 'metrics.csv'))).toBe(false)
    expect(start('fixtures-ratio.ts', 'killed')).toMatchObject({ status: 0, stderr: '' })
    await inRun('undisturbed', async (run) => {
      const sets = await measure(run, measuring())
      for (const name of setNames) run.writeCsv(name, { ...sets[name] })
    })
    for (const name of setNames) {
      const [killed, undisturbed] = ['killed', 'undisturbed'].map((folder) =>
        readFileSync(join(work, folder, name, 'metrics.csv'), 'utf8'),
      )
      expect(killed).toBe(undisturbed)
    }
  }, 120_000)
})

describe('npm run example -- likelihood-ratio', () => {
  it('runs any pair of models it is given: a flow against itself has a ratio of exactly 0, noise and all', () => {
    const folder = join(work, 'checkpoints')
    mkdirSync(folder)
    for (const name of ['flow-fmnist', 'flow-fmnist-background'])
      symlinkSync(checkpointPath('flow-fmnist'), join(folder, name))
    const args = ['--model', 'flow', '--checkpoints', folder, '--n', '8', '--workers', '0', '--samples', '2']
    const { status, stdout, stderr } = start('../run.ts', 'likelihood-ratio', ...args)
    expect(stderr).toContain('mnist->fmnist left out: no checkpoint flow-mnist in')
    expect(stdout).toContain('report: ')
    expect(status).toBe(0)
    const run = join(work, 'runs', 'likelihood-ratio-flow')
    const read = JSON.parse(readFileSync(join(run, 'summary.json'), 'utf8'))
    expect(read).toMatchObject({ n: 8, threshold: 0, recall: 0, auc: { llr: 0.5 } })
    expect(read.auc.likelihood).toBeLessThan(0.5)
    const [head, ...rows] = readFileSync(join(run, 'flow-fmnist', 'ood', 'metrics.csv'), 'utf8')
      .trim()
      .split('\n')
    const at = head!.split(',').indexOf('oodScore')
    expect(rows.map((row) => Math.abs(Number(row.split(',')[at])))).toEqual(new Array(8).fill(0))
    expect(JSON.parse(readFileSync(join(run, 'flow-fmnist', 'detector.json'), 'utf8'))).toMatchObject({
      format: 'ood-detector',
      method: { name: 'LLR' },
      referenceOf: 'threshold',
    })
    expect(readFileSync(join(run, 'report.html'), 'utf8')).toContain('2 samples of the semantic model')
  }, 180_000)

  it('names a pair that is not there in one line and leaves nothing behind', () => {
    const { status, stderr } = start('../run.ts', 'likelihood-ratio', '--model', 'nope', '--run', 'nope')
    expect(stderr).toBe(
      'error: --model nope: expected a checkpoint nope-fmnist or nope-mnist in the shipped checkpoints, got neither\n',
    )
    expect([status, existsSync(join(work, 'runs', 'nope'))]).toEqual([2, false])
  })
})

describe('options of the ratio example', () => {
  it('has defaults, and a folder of its own for other models', () => {
    expect(parseOptions([], {})).toMatchObject({
      n: 128,
      model: 'pixelcnn',
      checkpoints: undefined,
      samples: 0,
      folder: join('runs', 'likelihood-ratio'),
    })
    expect(parseOptions(['--model', 'flow'], {})?.folder).toBe(join('runs', 'likelihood-ratio-flow'))
    expect(parseOptions(['--model', 'flow', '--run', 'mine'], {})?.folder).toBe(join('runs', 'mine'))
    expect(parseOptions(['--n', '10000', '--data-dir', 'd', '--checkpoints', 'c'], {})).toMatchObject({
      n: 10_000,
      dataDir: 'd',
      checkpoints: 'c',
    })
    expect(parseOptions(['--help'], {})).toBeUndefined()
  })

  it.each([
    [['--n', '4'], '--n: expected a whole number of at least 8, got 4'],
    [['--n', '10000'], '--n: expected at most 512 images a split without --data-dir or OOD_DATA_DIR, got 10000'],
    [['--model', '../x'], '--model: expected a plain name, got ../x'],
    [['--samples', '65'], '--samples: expected at most 64 images, got 65'],
    [['--samples', '-1'], "options: Option '--samples' argument is ambiguous"],
    [['--modle', 'x'], "options: Unknown option '--modle' (--help lists them)"],
  ])('refuses %j', (argv, message) => {
    expect(() => parseOptions(argv, {})).toThrow(message)
  })
})
