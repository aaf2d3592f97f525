// The flow paper's example: its directions on stored scores of a run, and a small run of the command itself.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { claims, evaluate, judge, type Scores } from '../why-flows-fail/evaluate.ts'
import { featureModels, findCheckpoint, pixelFlows, tableFlows } from '../why-flows-fail/models.ts'
import { report } from '../why-flows-fail/report.ts'
import { imageSets, tumours } from '../why-flows-fail/sets.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'ood-why-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** Lists of a `scores.json` as arrays. */
function scoresOf(path: string): Scores {
  return JSON.parse(readFileSync(path, 'utf8'), (_, value) => (Array.isArray(value) ? Float64Array.from(value) : value))
}

describe('scores of a run that are stored here', () => {
  // Of `npm run example -- why-flows-fail --n 512 --data-dir DIR`, four of its sets, rounded.
  const scores = scoresOf(here('stored/why-flows-fail.json'))
  const { flows } = scores
  const all = evaluate(scores)

  it('have the directions of the paper', () => {
    expect(all.pixels!.auc).toBeLessThan(0.2)
    expect(all.glow!.auc).toBeLessThan(0.2)
    expect(all.masks.checkerboard!.auc).toBeLessThan(0.2)
    // Intervals that do not meet.
    for (const better of [all.masks.horizontal!, all.masks.cycle!, all.bottleneck!])
      expect(better.interval[0]).toBeGreaterThan(all.masks.checkerboard!.interval[1])
    expect(all.negative.trained!.auc).toBeGreaterThanOrEqual(0.99)
    expect(all.features!.interval[0]).toBeGreaterThan(all.pixels!.interval[1])
    // Not as on the paper's tables: tumours are told apart in one direction.
    expect(all.tabular!.auc).toBeGreaterThan(0.88)
    expect(all.tabularMirror!.auc).toBeLessThan(0.9)
    // And no better than without a flow.
    expect(all.tabular!.auc).toBeLessThan(all.distance!.auc)
    expect(all.tabularMirror!.auc).toBeLessThan(all.distanceMirror!.auc)
  })

  it('show what negative training does to sets that were not trained against', () => {
    const { negative, otherBefore } = all
    // Other handwriting is detected more often than before, and far less than what was trained against ...
    expect(otherBefore!.auc).toBeLessThan(0.1)
    expect(negative.other!.interval[0]).toBeGreaterThan(0.6)
    expect(negative.other!.interval[1]).toBeLessThan(0.9)
    // ... and clothes upside down are not.
    const [before, after] = [flows.pixels, flows.negative].map((of) => judge(of, 'upside-down')!.auc)
    expect(Math.abs(after! - before!)).toBeLessThan(0.1)
  })

  it('give a verdict for every model that was there, and none for the others', () => {
    const verdicts = Object.fromEntries(claims(all, { prediction: {} }).map(({ about, holds }) => [about, holds]))
    expect(verdicts).toMatchObject({
      'pixels, RealNVP': true,
      'pixels, Glow': true,
      'horizontal masks': true,
      'cycle masks': true,
      bottleneck: true,
      'negative training': true,
      features: true,
      tables: false,
      latents: undefined,
      'cycle couplings': undefined,
    })
    const empty = claims(evaluate({ flows: {}, tables: {}, distances: {} }), { prediction: {} })
    expect(empty.map(({ holds }) => holds)).toEqual(empty.map(() => undefined))
  })

  it('are judged as they are: sets swapped turn the directions round', () => {
    const { 'fashion-mnist': inside, mnist } = scores.flows.pixels!
    const swapped = { ...scores, flows: { ...scores.flows, pixels: { 'fashion-mnist': mnist!, mnist: inside! } } }
    const turned = evaluate(swapped)
    expect(turned.pixels!.auc).toBeCloseTo(1 - all.pixels!.auc, 12)
    expect(claims(turned, { prediction: {} })[0]!.holds).toBe(false)
  })
})

describe('what it reads', () => {
  it('takes checkpoints of a folder before shipped ones, and keeps the names of those in neither', () => {
    const missing: string[] = []
    const fixtures = here('../../packages/models-flow/test/fixtures')
    expect(findCheckpoint('tiny-realnvp', fixtures, missing)).toBe(join(fixtures, 'tiny-realnvp'))
    expect(findCheckpoint('realnvp-fmnist', fixtures, missing)).toMatch(/realnvp-fmnist$/)
    expect(missing).toEqual([])
    for (let i = 0; i < 2; i++) expect(findCheckpoint('no-such-flow', fixtures, missing)).toBeUndefined()
    expect(missing).toEqual(['no-such-flow'])
  })

  it('has sets of images and the test rows of both classes', async () => {
    const options = { n: 8, seed: 0, dataDir: undefined, folder: '', workers: 0 }
    const sets = await imageSets(options, new AbortController().signal)
    expect(sets.map(({ images }) => images.shape)).toEqual(sets.map(() => [8, 1, 28, 28]))
    const { benign, malignant } = await tumours()
    expect([benign.shape, malignant.shape]).toEqual([
      [90, 30],
      [53, 30],
    ])
  })
})

it('reports what is there when checkpoints are missing, and names them', async () => {
  const sets = await imageSets(
    { n: 8, seed: 0, dataDir: undefined, folder: '', workers: 0 },
    new AbortController().signal,
  )
  const row = Float64Array.of(1, 2, 3)
  const of = (flows: Scores['flows']) => {
    const scores: Scores = { flows, tables: {}, distances: {} }
    return report({ sets, scores, maps: {}, dimension: 784, missing: ['glow-fmnist'] }, { dataDir: undefined })
  }
  const none = of({})
  expect(none.intro).toContain('Not shown, because the checkpoint is not there: glow-fmnist.')
  expect(none.sections.map(({ heading }) => heading)).toEqual(['What the paper claims, and what we see'])
  const cycle = of({ cycle: Object.fromEntries(sets.map(({ name }) => [name, row])) })
  expect(cycle.sections.map(({ heading }) => heading)).toEqual([
    'What the paper claims, and what we see',
    'Likelihoods of many sets',
    'Masks and bottleneck',
  ])
})

it('npm run example -- why-flows-fail writes summary and report, and names what it lacks', () => {
  const node = ['--import', import.meta.resolve('tsx'), '--conditions=@ood/source', here('../run.ts')]
  const args = ['why-flows-fail', '--n', '8', '--workers', '0', '--run', 'small']
  const { status, stdout } = spawnSync(process.execPath, [...node, ...args], { cwd: work, encoding: 'utf8' })
  expect(stdout).toContain('pixels, RealNVP')
  expect(status).toBe(0)
  const read = (file: string) => readFileSync(join(work, 'runs', 'small', file), 'utf8')
  const { auc, missing, prediction } = JSON.parse(read('summary.json'))
  expect(auc.pixels).toBeLessThan(0.5)
  expect(auc.negative.trained).toBeGreaterThan(0.9)
  expect(Object.keys(auc.masks)).toEqual(['checkerboard', 'horizontal', 'cycle'])
  // The first coupling knows its pixels' neighbours, of any image.
  expect(prediction.pixels.mnist).toBeGreaterThan(0.8)
  const known = [...Object.values(pixelFlows).map(({ checkpoint }) => checkpoint), ...featureModels]
  for (const name of missing) expect([...known, ...Object.values(tableFlows)]).toContain(name)
  const report = read('report.html')
  for (const name of missing) expect(report).toContain(name)
  expect(auc.masks.horizontal === null).toBe(missing.includes('realnvp-fmnist-horizontal'))
  // What the summary says is what the stored scores say.
  expect(evaluate(scoresOf(join(work, 'runs/small/scores.json'))).pixels!.auc).toBe(auc.pixels)
}, 400_000)
