// The engine under all examples: a run from the command line, its files, a stop in the middle, and what judging gives.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NdArray, tensor } from '@ood/core'
import { measurement, vector } from '@ood/detect'
import { scatterPlot } from '@ood/plots'
import { wholeNumber } from '@ood/run'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { availableDirections } from '../common/checkpoints.ts'
import { type Example, mainOf } from '../common/example.ts'
import { figure } from '../common/figures.ts'
import { judge, thresholdOf } from '../common/judge.ts'
import { directionsOf, perDirection } from '../common/splits.ts'

const work = mkdtempSync(join(tmpdir(), 'ood-engine-'))
const before = process.cwd()
let printed = ''
beforeEach(() => {
  process.chdir(work)
  printed = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text)
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
})
afterEach(() => {
  vi.restoreAllMocks()
  process.chdir(before)
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** Measures the square of every row, and stops after `stopAfter` batches. */
function squares(stopAfter = Number.POSITIVE_INFINITY) {
  const stop = new AbortController()
  let batches = 0
  const square = measurement('square', [], {}, ['square'], (x: NdArray) => {
    if (batches++ >= stopAfter) stop.abort()
    return { square: Float64Array.from(x.data, (value) => value ** 2) }
  })
  const example: Example<{ power: number }, Float64Array> = {
    name: 'squares',
    about: 'Squares.',
    n: 20,
    rows: 'numbers a split',
    flags: { power: wholeNumber('K', 2, 1, 'a power (default 2)') },
    async work(bench, { n }) {
      const rows = tensor(
        Float64Array.from({ length: n }, (_, i) => i),
        [n, 1],
      )
      return vector(await bench.columns({ of: square }, 'rows', rows), 'of.square')
    },
    summary: (values) => ({ last: values.at(-1) }),
    files: (run, values) => run.writeCsv('all', { square: values }),
    report(values) {
      const series = [{ name: 'ood', x: values, y: values }]
      const chart = scatterPlot({ title: 'Squares', xTitle: 'x', yTitle: 'y', series })
      const blocks = [[figure('left', chart), figure('right', '<svg></svg>', 'words')], undefined]
      const table = {
        table: [
          ['what', 'value'],
          ['**last**', values.at(-1)!],
        ],
      }
      return {
        title: 'Squares',
        rows: { label: 'numbers', value: String(values.length) },
        sections: [{ heading: 'Figures', folder: 'pictures', blocks: [...blocks, table] }],
        footnote: 'No more.',
      }
    },
  }
  return { main: mainOf(example), signal: stop.signal, batches: () => batches }
}

const read = (run: string, file: string) => readFileSync(join(work, 'runs', run, file), 'utf8')

describe('an example', () => {
  it('writes its files, and prints the first table of its report', async () => {
    const { main, signal } = squares()
    await main(['--run', 'whole', '--seed', '4'], signal)
    const { seconds, ...summary } = JSON.parse(read('whole', 'summary.json'))
    const config = { n: 20, seed: 4, data: 'packaged samples', power: 2 }
    expect(summary).toEqual({ example: 'squares', config, last: 361 })
    expect(seconds).toBeGreaterThan(0)
    expect(read('whole', 'all/metrics.csv').trim().split('\n')).toHaveLength(21)
    for (const file of ['left.svg', 'left.vl.json', 'right.svg'])
      expect(existsSync(`runs/whole/pictures/${file}`)).toBe(true)
    expect(existsSync('runs/whole/pictures/right.vl.json')).toBe(false)
    const report = read('whole', 'report.html')
    expect(report).toContain('npm run example -- squares --n 20 --seed 4 --power 2')
    expect(report).toContain('20 numbers a split, data: packaged samples. No more.')
    expect(report).toMatch(/side-by-side.*<figcaption>Figure 1\.<\/figcaption>[\s\S]*Figure 2\. words/)
    expect(printed).toContain(`report: ${join('runs', 'whole', 'report.html')}`)
    expect(printed).toMatch(/last\S*\s+361/)
  })

  it('goes on where it was stopped, with the same numbers', async () => {
    const stopped = squares(1)
    await expect(stopped.main(['--run', 'cut'], stopped.signal)).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(existsSync('runs/cut/summary.json')).toBe(false)
    const again = squares()
    await again.main(['--run', 'cut'], again.signal)
    // Twenty rows are three batches of eight; the first two are there.
    expect(again.batches()).toBe(1)
    expect(JSON.parse(read('cut', 'summary.json'))).toMatchObject({ last: 361, seconds: null })
    expect(read('cut', 'all/metrics.csv')).toBe(read('whole', 'all/metrics.csv'))
  })

  it('refuses a folder of other options, and prints its help', async () => {
    const { main, signal } = squares()
    await expect(main(['--run', 'whole', '--seed', '5'], signal)).rejects.toThrow(/config\.yaml\.seed: expected 4/)
    await main(['--help'], signal)
    expect(printed).toContain('  --power K          a power (default 2)\n')
  })
})

describe('judging', () => {
  const column = (from: number) => Float64Array.from({ length: 40 }, (_, i) => from + i)

  it('takes its threshold from training rows alone, and counts what lies above', () => {
    const score = { in_distr_train: column(0), in_distr_test: column(1), ood: column(100), generated: column(20) }
    const { auc, interval, threshold, flagged } = judge(score)
    expect(auc).toEqual({ inDistr: 1, generated: 1 })
    expect(interval).toEqual([1, 1])
    // The 95 % quantile of 0..39 is at 37.05; its higher neighbour leaves one row above.
    expect(threshold).toBe(38)
    expect(flagged).toEqual({ in_distr_train: 1 / 40, in_distr_test: 2 / 40, ood: 1, generated: 21 / 40 })
    expect(judge({ ...score, ood: column(-50), generated: column(7) }).threshold).toBe(threshold)
  })

  it('does not ask few rows for a rate that they cannot resolve', () => {
    // One of eight is 12.5 %: at 6.125, so the largest row.
    expect(thresholdOf(column(0).subarray(0, 8))).toBe(7)
  })
})

describe('directions', () => {
  it('turn results into columns of summaries', () => {
    const all = directionsOf('flow').map((direction, i) => ({ direction, value: i }))
    expect(perDirection(all, ({ value, direction }) => ({ twice: 2 * value, of: direction.ood }))).toEqual({
      twice: { 'fmnist->mnist': 0, 'mnist->fmnist': 2 },
      of: { 'fmnist->mnist': 'mnist', 'mnist->fmnist': 'fashion-mnist' },
    })
  })

  it('are those whose checkpoints are there; the others are named', () => {
    const said: string[] = []
    const say = (line: string) => said.push(line)
    expect(availableDirections('pixelcnn', undefined, ['', '-background'], say)).toHaveLength(2)
    expect(said).toEqual([])
    expect(() => availableDirections('flow', work)).toThrow(
      `--model flow: expected a checkpoint flow-fmnist or flow-mnist in ${work}, got neither`,
    )
  })
})
