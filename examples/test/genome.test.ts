// The genome example on exact models in place of networks: data, choices from validation, resume, figures, its files.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { flatData, type LikelihoodModel, tensor } from '@ood/core'
import { exactGenomeModel, syntheticGenomes, writeNpz } from '@ood/datasets'
import { openRun, type Run } from '@ood/run'
import type { Manifest } from '@ood/runtime'
import { afterAll, describe, expect, it } from 'vitest'
import { createBench } from '../common/bench.ts'
import { parseOptions as parse } from '../common/command-line.ts'
import { writeReport } from '../common/example.ts'
import { factsOf } from '../common/model-facts.ts'
import { choose, methods, type Scores, scoresOf } from '../genome/choose.ts'
import { gcContent, lawOf, loadSplits, type SplitName, splitNames } from '../genome/data.ts'
import { correlation, evaluate } from '../genome/evaluate.ts'
import { example } from '../genome/index.ts'
import { baseMaps } from '../genome/maps.ts'
import { MAPPED, measureMaps, measure as measureSplits } from '../genome/measure.ts'
import type { Result } from '../genome/result.ts'

const parseOptions = (argv: string[], env: NodeJS.ProcessEnv) => parse(example, argv, env)

const work = mkdtempSync(join(tmpdir(), 'ood-genome-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))
const signal = new AbortController().signal
const law = { seed: 4, length: 60, order: 1, preference: 0.4 }
const N = 40
const splits = await loadSplits({ n: N, seed: 0, dataDir: undefined }, law, signal)

/** A model of a checkpoint: hashes name it, so that what it gave is found again by the next start. */
const named = (model: LikelihoodModel, sha: string): LikelihoodModel =>
  Object.assign({ ...model }, { manifest: { name: 'exact', sha256: { 'lstm.onnx': sha.repeat(64) } } })
const pairOf = () => ({
  semantic: named(exactGenomeModel('semantic', law), 'a'),
  background: named(exactGenomeModel('background', law), 'b'),
})

const benchOf = (run: Run<unknown>) => createBench({ run, seed: 0, signal, onProgress: () => {} })
const measure = (run: Run<unknown>, pair: ReturnType<typeof pairOf>) =>
  measureSplits(benchOf(run), pair, splits, { law, rate: 0.2 }, 16)

async function inRun<T>(folder: string, use: (run: Run<unknown>) => Promise<T>): Promise<T> {
  const run = openRun({ folder: join(work, folder), config: { test: 'genome' } })
  try {
    return await use(run)
  } finally {
    run.close()
  }
}

/** A model that must not be asked. */
const closed: LikelihoodModel = { logProb: () => Promise.reject(new Error('asked again')) }

const facts = factsOf({
  name: 'exact',
  kind: 'sequence',
  graphs: {},
  training: { parameters: 0, wallTimeSeconds: 90 },
  mutation: { rate: 0.2 },
} as unknown as Manifest)

async function wholeResult(run: Run<unknown>): Promise<Result> {
  const measured = await measure(run, pairOf())
  const scored = (split: SplitName): Scores => scoresOf(measured[split].lstm, splits[split].gcContent)
  const choices = choose(scored('val_in'), scored('val_ood'))
  return {
    splits,
    measured,
    choices,
    evaluation: evaluate(measured, splits, choices),
    maps: await measureMaps(benchOf(run), pairOf(), splits),
    length: 60,
    real: false,
    models: { semantic: facts, background: { ...facts, mutation: null } },
  }
}

describe('options of the genome example', () => {
  it('needs no files for any number of synthetic sequences', () => {
    expect(parseOptions(['--n', '5000'], {})).toEqual({
      n: 5000,
      seed: 0,
      dataDir: undefined,
      folder: join('runs', 'genome'),
      workers: undefined,
      checkpoints: undefined,
    })
    expect(parseOptions(['--help'], {})).toBeUndefined()
    expect(parseOptions([], { OOD_DATA_DIR: '/images' })?.dataDir).toBeUndefined()
  })

  it.each([
    [['--n', '4'], '--n: expected a whole number of at least 8, got 4'],
    [['--n', '100001'], '--n: expected at most 100000 sequences a split, got 100001'],
    [['--checkpoints', ''], '--checkpoints: expected a folder, got an empty string'],
    [['--data-dir', 'data'], '--data-dir: expected --checkpoints with models of that data too, got none'],
  ])('refuses %j', (argv, message) => {
    expect(() => parseOptions(argv, {})).toThrow(message)
  })
})

describe('data of the genome example', () => {
  it('counts G and C', () => {
    const x = tensor(Float32Array.of(0, 1, 2, 3, 0, 0, 3, 3), [2, 4])
    expect([...gcContent(x)]).toEqual([0.5, 0])
  })

  it('reads the law of the training genomes from a manifest', () => {
    const manifest = (genomes: unknown) => ({ name: 'm', training: { genomes } }) as unknown as Manifest
    const recorded = { ...law, classes: [10, 60, 60], kinship: 0.75, gc: [0.2, 0.8], stretches: [75, 25] }
    expect(lawOf(manifest({ ...recorded, train: 1000 }))).toEqual(recorded)
    expect(() => lawOf(manifest({ seed: 1 }))).toThrow(/m training.genomes.length: expected the law/)
    expect(() => lawOf(manifest(undefined))).toThrow(/m training.genomes.seed: expected the law/)
  })

  it('draws other sequences for another seed, of the same classes', async () => {
    const other = await loadSplits({ n: N, seed: 1, dataDir: undefined }, law, signal)
    expect(flatData(other.test_in.x)).not.toEqual(flatData(splits.test_in.x))
    expect(other.test_in.names).toEqual(splits.test_in.names)
  })

  it('loads public files instead, a random subset of them', async () => {
    const dataDir = mkdtempSync(join(work, 'public-'))
    for (const split of splitNames) {
      const { x, isOutlier, labels } = syntheticGenomes({ split, n: 30, length: 20 })
      await writeNpz(join(dataDir, `${split}.npz`), {
        x: { data: Uint8Array.from(flatData(x)), shape: [30, 20] },
        is_outlier: { data: isOutlier, shape: [30] },
        y: { data: labels, shape: [30] },
      })
    }
    const found = await loadSplits({ n: 10, seed: 2, dataDir }, undefined, signal)
    expect(found.val_ood.x.shape).toEqual([10, 20])
    expect([...found.val_ood.isOutlier]).toEqual(new Array(10).fill(1))
    expect(found.test_in.coding).toBeUndefined()
    await expect(loadSplits({ n: 10, seed: 2, dataDir: work }, undefined, signal)).rejects.toThrow(/val_in\.npz/)
  })
})

describe('choices of the genome example', () => {
  const scores = (values: number[]): Scores =>
    Object.fromEntries(methods.map((method) => [method, Float64Array.from(values)])) as Scores

  it('passes the normal percentage: as many of the batch are called OOD as are', () => {
    const inside = scores(Array.from({ length: 70 }, (_, i) => i / 70))
    const outside = scores(Array.from({ length: 30 }, (_, i) => 10 + i))
    const { thresholds, batch, falsePositiveRate } = choose(inside, outside)
    expect(batch).toEqual([70, 30])
    const { normal, reference, clean } = thresholds.ratio
    // Between the last known and the first unknown sequence: percentile 70 of 100 numbers is 0.3 of the way.
    expect(normal).toBeCloseTo(69 / 70 + 0.3 * (10 - 69 / 70), 12)
    expect(reference).toBeCloseTo(29.7 / 70, 12)
    expect(clean).toBeGreaterThan(0.9)
    expect(falsePositiveRate).toBe(0.05)
  })

  it('takes what there is when a side is short, still with 30 % outliers', () => {
    const few = choose(scores(Array.from({ length: 500 }, (_, i) => i)), scores([1, 2, 3]))
    expect(few.batch).toEqual([7, 3])
    const large = scores(Array.from({ length: 3000 }, (_, i) => i))
    expect(choose(large, large).batch).toEqual([700, 300])
    expect(() => choose(scores([1]), scores([1]))).toThrow(/at least one OOD sequence/)
  })
})

describe('the genome example', () => {
  it('finds what the likelihood hides', async () => {
    const { evaluation } = await inRun('whole', wholeResult)
    const { results, gain, exact } = evaluation
    expect(results.ratio.auc).toBeGreaterThan(0.9)
    expect(results.likelihood.auc).toBeLessThan(results.ratio.auc)
    expect(gain.difference).toBeCloseTo(results.ratio.auc - results.likelihood.auc, 12)
    // The networks are the exact models here, so every mixture of the two is the same.
    expect(exact!.ratio).toBe(results.ratio.auc)
    expect(exact!.likelihood).toBe(results.likelihood.auc)
    expect([exact!.semanticNetwork, exact!.backgroundNetwork]).toEqual([exact!.ratio, exact!.ratio])
    // Mutated sequences still tell something of the classes, and less of the G and C content.
    expect(exact!.bestMutated).toBeLessThan(exact!.ratio)
    expect(exact!.bestMutated).toBeGreaterThan(0.7)
    // An exact background is a function of the G and C content alone.
    expect(results.background.gcCorrelation).toBeLessThan(-0.95)
    expect(results.gc.gcCorrelation).toBeCloseTo(-1, 12)
    const { trueNegatives, falsePositives, falseNegatives, truePositives } = results.ratio.decided.normal
    expect([trueNegatives + falsePositives, falseNegatives + truePositives]).toEqual([N, N])
  })

  it('scores the mean over the steps, and keeps it for the next start', async () => {
    const first = await inRun('again', (run) => measure(run, pairOf()))
    const { feature } = await exactGenomeModel('semantic', law).logProb(splits.val_in.x)
    const want = Float64Array.from(flatData(feature!).subarray(0, 59)).reduce((sum, value) => sum + value, 0) / 59
    expect(first.val_in.lstm.semantic[0]).toBeCloseTo(want, 12)
    const { score, semantic, background } = first.test_ood.lstm
    for (const [i, value] of score.entries()) expect(value).toBeCloseTo(background[i]! - semantic[i]!, 12)
    const shut = { semantic: named(closed, 'a'), background: named(closed, 'b') }
    expect(await inRun('again', (run) => measure(run, shut))).toEqual(first)
    const others = { semantic: named(closed, 'c'), background: named(closed, 'b') }
    await expect(inRun('again', (run) => measure(run, others))).rejects.toThrow('asked again')
  })

  it('resumes after a stop in the middle with the same numbers', async () => {
    const whole = await inRun('undisturbed', (run) => measure(run, pairOf()))
    let calls = 0
    const model = exactGenomeModel('semantic', law)
    const stopping: LikelihoodModel = {
      logProb: (x, call) => (++calls > 4 ? Promise.reject(new Error('killed')) : model.logProb(x, call)),
    }
    const stopped = { ...pairOf(), semantic: named(stopping, 'a') }
    await expect(inRun('killed', (run) => measure(run, stopped))).rejects.toThrow('killed')
    expect(await inRun('killed', (run) => measure(run, pairOf()))).toEqual(whole)
  })

  it('draws its figures and writes its files', async () => {
    const folder = join(work, 'files')
    const result = await inRun('files', async (run) => {
      const found = await wholeResult(run)
      const options = { n: N, seed: 0, dataDir: undefined, folder, workers: 0, checkpoints: undefined }
      await writeReport(run, example, found, options)
      return found
    })
    const charts = [
      'likelihood',
      'ratio',
      'gc-likelihood',
      'gc-ratio',
      'roc',
      'confusion-normal',
      'confusion-reference',
    ]
    expect(readdirSync(join(folder, 'figures')).sort()).toEqual(
      [...charts.flatMap((name) => [`${name}.svg`, `${name}.vl.json`]), 'maps.svg'].sort(),
    )
    const report = readFileSync(join(folder, 'report.html'), 'utf8')
    expect(report).toContain(result.evaluation.results.ratio.auc.toFixed(3))
    expect(report).not.toMatch(/NaN|undefined|Infinity/)
    expect(readFileSync(join(folder, 'test_ood', 'metrics.csv'), 'utf8').split('\n')[0]).toBe(
      'likelihood,backgroundLikelihood,oodScore,gcContent,label,exactLikelihood,exactOodScore',
    )
    // Three strips a sequence: each base, averages, gaps.
    const svg = baseMaps(result)
    expect(svg.match(/<image /g)).toHaveLength(2 * MAPPED * 3)
    const { coding: _, ...plain } = splits.test_in
    const without = { ...result, splits: { ...splits, test_in: plain } }
    expect(baseMaps(without).match(/<image /g)).toHaveLength(MAPPED * 5)
  })
})

describe('correlation', () => {
  it('is 1 for lines, -1 for falling ones, 0 without variation', () => {
    expect(correlation([1, 2, 3], [5, 7, 9])).toBeCloseTo(1, 12)
    expect(correlation([1, 2, 3], [1, 0, -1])).toBeCloseTo(-1, 12)
    expect(correlation([1, 1, 1], [1, 2, 3])).toBe(0)
  })
})
