// The specifications: plain JSON with all data inside, right numbers, clear errors for wrong ones.
import { quantile } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  calibrationPlot,
  histogramPlot,
  lidCurvePlot,
  type PlotSpec,
  renderSvg,
  rocPlot,
  scatterPlot,
  seriesStyle,
} from '../src/index.ts'
import { flagLayers } from '../src/internal/flags.ts'
import { axisRange, histogram } from '../src/internal/numbers.ts'
import { textWidth, wrapText } from '../src/internal/text-width.ts'
import { charts } from './charts.ts'

interface Layer {
  data: { values: Record<string, unknown>[] }
  mark: { type: string }
  encoding: Record<string, { value?: number; scale?: { domain: number[] } }>
}
const layers = (spec: PlotSpec): Layer[] => (spec as unknown as { layer: Layer[] }).layer

describe('every chart', () => {
  it.each(Object.entries(charts))('%s is plain JSON with its data inside', (_, spec) => {
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec)
    expect(JSON.stringify(spec)).not.toMatch(/"url"|http(?!s:\/\/vega\.github\.io\/schema)/)
  })

  it.each(Object.entries(charts))('%s fits 600 pixels and its texts stay inside', async (_, spec) => {
    const svg = await renderSvg(spec)
    const [, width, height] = /^<svg [^>]*width="([\d.]+)" height="([\d.]+)"/.exec(svg)!.map(Number)
    expect(width).toBeLessThanOrEqual(620)
    expect(height).toBeLessThanOrEqual(620)
    expect(svg).not.toContain('\u2026') // Vega ends a text it has no room for with an ellipsis
  })

  it('is drawn alike whatever is drawn before it or beside it', async () => {
    const specs = Object.values(charts)
    const alone: string[] = []
    for (const spec of specs) alone.push(await renderSvg(spec))
    expect(await Promise.all(specs.toReversed().map((spec) => renderSvg(spec)))).toEqual(alone.toReversed())
  })

  it('keeps the colours of splits whatever their order', () => {
    const names = ['in_distr_train', 'in_distr_test', 'ood', 'generated']
    const colors = names.map((name) => seriesStyle({ name }, 0).color)
    expect(new Set(colors).size).toBe(4)
    expect(names.toReversed().map((name, i) => seriesStyle({ name }, i).color)).toEqual(colors.toReversed())
    expect(seriesStyle({ name: 'toString' }, 1).label).toBe('toString')
  })
})

describe('wrong data', () => {
  const x = [1, 2, 3]
  const curve = { scales: [0, 1], series: [{ name: 'ood', curves: [[2, 1]] }] }
  const roc = { label: 'a', fpr: [0, 1], tpr: [0, 1] }
  const cases: [string, () => unknown, string, string][] = [
    [
      'histogram without series',
      () => histogramPlot({ series: [], xTitle: '' }),
      'E_EMPTY',
      'histogram: expected at least one series, got none',
    ],
    [
      'an empty series',
      () => histogramPlot({ series: [{ name: 'ood', values: [] }], xTitle: '' }),
      'E_EMPTY',
      'histogram ood: expected at least one number, got none',
    ],
    [
      'NaN',
      () => histogramPlot({ series: [{ name: 'ood', values: [0, Number.NaN] }], xTitle: '' }),
      'E_NOT_FINITE',
      'histogram ood[1]: expected a finite number, got NaN',
    ],
    [
      'an infinity',
      () => histogramPlot({ series: [{ name: 'ood', values: [-Infinity] }], xTitle: '' }),
      'E_NOT_FINITE',
      'histogram ood[0]: expected a finite number, got -Infinity',
    ],
    [
      'equal labels',
      () =>
        histogramPlot({
          series: [
            { name: 'ood', values: x },
            { name: 'ood', values: x },
          ],
          xTitle: '',
        }),
      'E_ARGUMENT',
      'out-of-distribution twice',
    ],
    [
      'no bins',
      () => histogramPlot({ series: [{ name: 'ood', values: x }], xTitle: '', bins: 0 }),
      'E_ARGUMENT',
      'histogram bins',
    ],
    [
      'a domain the wrong way round',
      () => histogramPlot({ series: [{ name: 'ood', values: x }], xTitle: '', domain: [1, 0] }),
      'E_ARGUMENT',
      'histogram domain',
    ],
    ['no curves', () => lidCurvePlot({ ...curve, series: [{ name: 'ood', curves: [] }] }), 'E_EMPTY', 'lidCurve ood'],
    [
      'a curve of another length',
      () => lidCurvePlot({ ...curve, series: [{ name: 'ood', curves: [[1, 2, 3]] }] }),
      'E_SHAPE',
      'lidCurve ood[0]: expected 2 numbers, got 3',
    ],
    [
      'NaN in a curve',
      () => lidCurvePlot({ ...curve, series: [{ name: 'ood', curves: [[1, Number.NaN]] }] }),
      'E_NOT_FINITE',
      'lidCurve ood[0][1]',
    ],
    [
      'scales that descend',
      () => lidCurvePlot({ ...curve, scales: [1, 0] }),
      'E_ARGUMENT',
      'lidCurve scales[1]: expected more than 1, got 0',
    ],
    ['a single scale', () => lidCurvePlot({ ...curve, scales: [1] }), 'E_EMPTY', 'lidCurve scales'],
    ['a band of no quantiles', () => lidCurvePlot({ ...curve, band: [0.9, 0.1] }), 'E_ARGUMENT', 'lidCurve band'],
    [
      'a mark at NaN',
      () => lidCurvePlot({ ...curve, marks: [{ scale: Number.NaN, label: 'knee' }] }),
      'E_NOT_FINITE',
      'lidCurve mark knee',
    ],
    [
      'unequal coordinates',
      () => scatterPlot({ series: [{ name: 'ood', x, y: [1] }] }),
      'E_SHAPE',
      'scatter ood y: expected 3 numbers, got 1',
    ],
    [
      'an infinite threshold',
      () => scatterPlot({ series: [{ name: 'ood', x, y: x }], thresholds: { x: Infinity } }),
      'E_NOT_FINITE',
      'scatter thresholds x',
    ],
    ['no ROC curve', () => rocPlot({ curves: [] }), 'E_EMPTY', 'roc'],
    [
      'a rate above one',
      () => rocPlot({ curves: [{ ...roc, tpr: [0, 1.5] }] }),
      'E_ARGUMENT',
      'roc a tpr[1]: expected a rate in [0, 1], got 1.5',
    ],
    [
      'descending rates',
      () => rocPlot({ curves: [{ ...roc, fpr: [1, 0] }] }),
      'E_ARGUMENT',
      'roc a fpr[1]: expected ascending rates, got 0',
    ],
    ['unequal rates', () => rocPlot({ curves: [{ ...roc, fpr: [0, 0.5, 1] }] }), 'E_SHAPE', 'roc a tpr'],
    [
      'a curve shorter than its scales',
      () => calibrationPlot({ scales: [0, 1], meanLid: [1], candidates: [] }),
      'E_SHAPE',
      'calibration meanLid',
    ],
  ]
  it.each(cases)('%s is an error that names it', (_, make, code, message) => {
    expect(make).toThrowError(expect.objectContaining({ code, message: expect.stringContaining(message) }))
  })
})

describe('histogram', () => {
  const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 })

  it('counts every value once', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 60 }), (list, bins) => {
        const shares = histogram(list, axisRange([list]), bins)
        expect(shares).toHaveLength(bins)
        // Fifty additions of 1/n: fifty roundings of at most half an ulp of one.
        expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 12)
      }),
    )
  })

  it('puts values where they belong, ends included', () => {
    expect(histogram([0, 0.5, 1, 1.5, 2, 9, -9], [0, 2], 2).map((share) => share * 7)).toEqual([3, 4])
  })

  it('draws each series as steps that start and end at zero', () => {
    const spec = histogramPlot({ series: [{ name: 'ood', values: [0, 1, 1, 4] }], xTitle: 'x', bins: 4 })
    expect(layers(spec)[1]!.data.values.map(({ x, share }) => [x, share])).toEqual([
      [0, 0],
      [0, 0.25],
      [1, 0.5],
      [2, 0],
      [3, 0.25],
      [4, 0],
    ])
  })

  it('says how many values lie outside its axis', () => {
    const list = Array.from({ length: 100 }, (_, i) => i)
    const spec = histogramPlot({ series: [{ name: 'ood', values: [...list, 1e6, -1e6] }], xTitle: 'x', title: 't' })
    expect(JSON.stringify(spec.title)).toContain('2 far values are counted in the end bins')
  })
})

describe('axis range', () => {
  it('shows everything unless outliers would squeeze the rest', () => {
    expect(
      axisRange([
        [1, 2, 3],
        [2, 5],
      ]),
    ).toEqual([1, 5])
    expect(axisRange([[7, 7]])).toEqual([6.5, 7.5])
    const list = Array.from({ length: 100 }, (_, i) => i)
    expect(axisRange([[...list, 150]])).toEqual([0, 150])
    expect(axisRange([[...list, 1e9]])).toEqual([0, 99])
    // Two clusters are no outliers, however far apart.
    expect(axisRange([list, list.map((value) => value + 1e6)])).toEqual([0, 1e6 + 99])
    expect(axisRange([[0, 0, 0, 0, 1000]])).toEqual([0, 1000])
  })

  it('gives a series much wider than the others four of their widths beyond them', () => {
    const list = Array.from({ length: 101 }, (_, i) => i)
    const wide = list.map((value) => -100 * value)
    expect(axisRange([list, list, wide])).toEqual([-400, 100])
    expect(axisRange([list, wide])).toEqual([-400, 100])
    expect(axisRange([list, wide, wide])).toEqual([-10_000, 100]) // here the wide ones are the usual ones
  })
})

describe('LID curves', () => {
  it('have means and quantiles of their points', () => {
    const curves = [0, 10, 20, 30, 40].map((lid) => [lid, 0])
    const spec = lidCurvePlot({ scales: [0, 1], series: [{ name: 'ood', curves }], band: [0.25, 0.75], samples: 2 })
    expect(layers(spec)[0]!.data.values[0]).toMatchObject({ scale: 0, lid: 20, low: 10, high: 30 })
    expect(new Set(layers(spec)[1]!.data.values.map(({ curve }) => curve))).toEqual(new Set([1, 3]))
    expect(layers(lidCurvePlot({ scales: [0, 1], series: [{ name: 'ood', curves }], band: null }))).toHaveLength(1)
  })

  it('use the quantiles of NumPy', () => {
    // numpy.quantile([1, 2, 4, 8], [0, 0.1, 0.5, 0.9, 1])
    const expected = [1, 1.3, 3, 6.8, 8]
    for (const [i, q] of [0, 0.1, 0.5, 0.9, 1].entries())
      expect(quantile([1, 2, 4, 8], q)).toBeCloseTo(expected[i]!, 12)
  })
})

describe('ROC curves', () => {
  it('lose only points on straight lines', () => {
    const fpr = [0, 0, 0, 0.5, 1, 1]
    const tpr = [0, 0.25, 0.5, 0.75, 1, 1]
    const rows = layers(rocPlot({ curves: [{ label: 'a', fpr, tpr }] }))[1]!.data.values
    expect(rows.map((row) => [row.fpr, row.tpr])).toEqual([
      [0, 0],
      [0, 0.5],
      [1, 1],
    ])
  })

  it('keep their area', () => {
    const step = fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(step, (steps) => {
        const sums = [[0, 0]]
        for (const [a, b] of steps) sums.push([sums.at(-1)![0]! + a, sums.at(-1)![1]! + b])
        const [n, p] = sums.at(-1)!.map((total) => Math.max(1, total))
        const fpr = sums.map((sum) => sum[0]! / n!)
        const tpr = sums.map((sum) => sum[1]! / p!)
        const rows = layers(rocPlot({ curves: [{ label: 'a', fpr, tpr }] }))[1]!.data.values as {
          fpr: number
          tpr: number
        }[]
        const area = (xs: number[], ys: number[]) =>
          xs.slice(1).reduce((sum, x, i) => sum + ((x - xs[i]!) * (ys[i]! + ys[i + 1]!)) / 2, 0)
        // Left-out points lie within 1e-12 of the line; the rest is rounding of at most 40 additions.
        expect(
          area(
            rows.map((row) => row.fpr),
            rows.map((row) => row.tpr),
          ),
        ).toBeCloseTo(area(fpr, tpr), 10)
      }),
    )
  })
})

describe('scatter', () => {
  it('draws at most so many points and says so', () => {
    const x = Array.from({ length: 5000 }, (_, i) => i)
    const spec = scatterPlot({ series: [{ name: 'ood', x, y: x }], maxPoints: 100, title: 't' })
    expect(layers(spec)[0]!.data.values).toHaveLength(100)
    expect(JSON.stringify(spec.title)).toContain('at most 100 points of each are drawn')
  })

  it('draws far points at the edge and counts them', () => {
    const x = Array.from({ length: 100 }, (_, i) => i)
    const spec = scatterPlot({ series: [{ name: 'ood', x: [...x, 1e6], y: [...x, 5] }], title: 't' })
    const { domain } = layers(spec)[0]!.encoding.x!.scale!
    const largest = Math.max(...layers(spec)[0]!.data.values.map((row) => row.x as number))
    expect(largest).toBeGreaterThan(99)
    expect(largest).toBeLessThan(domain[1]!)
    expect(JSON.stringify(spec.title)).toContain('1 far point is drawn at the edge')
    const given = scatterPlot({ series: [{ name: 'ood', x, y: x }], xDomain: [0, 10], yDomain: [0, 200] })
    expect(layers(given)[0]!.encoding.x!.scale!.domain).toEqual([0, 10])
  })

  it('keeps thresholds on its axes', () => {
    const spec = scatterPlot({ series: [{ name: 'ood', x: [1, 2], y: [1, 2] }], thresholds: { x: 3, y: 0 } })
    const { x, y } = layers(spec)[0]!.encoding
    expect(x!.scale!.domain[1]).toBeGreaterThan(3)
    expect(y!.scale!.domain[0]).toBeLessThan(0)
  })
})

describe('flags', () => {
  it('never put two texts over each other', () => {
    const size = { width: 520, height: 260 }
    const flag = fc.record({ x: fc.integer({ min: -10, max: 5 }), label: fc.string({ minLength: 1, maxLength: 30 }) })
    fc.assert(
      fc.property(fc.array(flag, { minLength: 2, maxLength: 8 }), (flags) => {
        const texts = (flagLayers(flags, [-10, 5], size) as Layer[]).filter(({ mark }) => mark.type === 'text')
        // Each text comes twice, once as its white rim.
        const boxes = texts
          .filter((_, i) => i % 2 === 0)
          .map(({ data, mark, encoding }) => {
            const { x, label } = data.values[0] as { x: number; label: string }
            const at = ((x + 10) / 15) * size.width
            const width = textWidth(label, 12)
            const left = (mark as { align?: string }).align === 'right' ? at - 6 - width : at + 6
            return { left, right: left + width, row: encoding.y!.value! }
          })
        for (const [i, a] of boxes.entries())
          for (const b of boxes.slice(i + 1))
            expect(a.row === b.row && a.left < b.right && b.left < a.right).toBe(false)
      }),
    )
  })
})

describe('text', () => {
  it('is measured and wrapped at spaces', () => {
    expect(textWidth('iiii', 12)).toBeLessThan(textWidth('WWWW', 12))
    expect(textWidth('abc', 24)).toBeCloseTo(2 * textWidth('abc', 12), 10)
    expect(wrapText('one two three', 50, 12)).toEqual(['one two', 'three'])
    expect(wrapText('indivisible', 10, 12)).toEqual(['indivisible'])
  })
})
