// Grids of pixel maps and confusion matrices: the right colours at the right places, clear errors for wrong data.
import { tensor } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { confusionPlot, histogramPlot, type MapColumn, mapGrid } from '../src/index.ts'
import { colorAt } from '../src/internal/color-maps.ts'

const maps = (values: number[], n = 1) => tensor(Float64Array.from(values), [n, 1, values.length / n])
const column = (over: Partial<MapColumn> = {}): MapColumn => ({
  label: 'ratio',
  maps: maps([-1, 0, 1, 0], 2),
  domain: [-1, 1],
  ...over,
})
const groups = [{ label: 'a', rows: 2 }]

describe('colours', () => {
  it('reach both ends, stay there beyond, and meet the middle of a diverging ramp at white', () => {
    expect(colorAt('grey', 0)).toEqual([0, 0, 0])
    expect(colorAt('grey', 0.5)).toEqual([128, 128, 128])
    expect(colorAt('sequential', 7)).toEqual(colorAt('sequential', 1))
    expect(colorAt('diverging', -3)).toEqual([213, 94, 0])
    expect(colorAt('diverging', 0.5)).toEqual([247, 247, 247])
  })

  it('grow lighter along the sequential ramp', () => {
    const luma = Array.from({ length: 33 }, (_, i) => {
      const [r, g, b] = colorAt('sequential', i / 32)
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    })
    for (let i = 1; i < luma.length; i++) expect(luma[i]).toBeGreaterThan(luma[i - 1]!)
  })
})

describe('mapGrid', () => {
  it('draws one picture a cell and a bar only where asked for', () => {
    const svg = mapGrid({ groups, columns: [column(), column({ label: 'b', bar: 'nats' })] })
    expect(svg.match(/<image /g)).toHaveLength(2 * 2 + 1)
    expect(svg).toContain('>\u22121</text>')
    expect(mapGrid({ groups, columns: [column()] }).match(/<image /g)).toHaveLength(2)
  })

  it('colours equal values alike in every row, whatever else the row holds', () => {
    const cells = (values: number[]) =>
      [...mapGrid({ groups, columns: [column({ maps: maps(values, 2) })] }).matchAll(/base64,([^"]+)/g)].map(
        ([, png]) => png,
      )
    const [first, second] = cells([0.25, 0.5, 0.25, 0.5])
    expect(second).toBe(first)
    expect(cells([0.25, 0.5, 0.25, 0.9])[0]).toBe(first)
    expect(cells([0.25, 0.5, 0.25, 0.9])[1]).not.toBe(first)
  })

  it('escapes texts', () => {
    expect(mapGrid({ title: 'a <b>', groups, notes: [['x & y'], []], columns: [column()] })).toContain('x &amp; y')
  })

  it.each([
    ['no columns', () => mapGrid({ groups, columns: [] }), 'E_EMPTY', 'mapGrid columns'],
    [
      'no maps',
      () => mapGrid({ groups: [], columns: [column({ maps: tensor(new Float64Array(0), [0, 2, 2]) })] }),
      'E_EMPTY',
      'mapGrid ratio',
    ],
    [
      'channels',
      () => mapGrid({ groups, columns: [column({ maps: tensor(new Float64Array(12), [2, 3, 1, 2]) })] }),
      'E_SHAPE',
      'mapGrid ratio',
    ],
    [
      'maps of other sizes',
      () => mapGrid({ groups, columns: [column(), column({ label: 'b', maps: maps([1, 2]) })] }),
      'E_SHAPE',
      'mapGrid b: expected 2 maps of 1 x 2',
    ],
    [
      'NaN',
      () => mapGrid({ groups, columns: [column({ maps: maps([0, Number.NaN, 0, 0], 2) })] }),
      'E_NOT_FINITE',
      'mapGrid ratio[1]',
    ],
    [
      'an empty domain',
      () => mapGrid({ groups, columns: [column({ domain: [1, 1] })] }),
      'E_ARGUMENT',
      'mapGrid ratio domain',
    ],
    [
      'rows that do not add up',
      () => mapGrid({ groups: [{ label: 'a', rows: 1 }], columns: [column()] }),
      'E_ARGUMENT',
      'mapGrid groups: expected 2 rows',
    ],
    ['too few notes', () => mapGrid({ groups, notes: [[]], columns: [column()] }), 'E_SHAPE', 'mapGrid notes'],
  ])('refuses %s', (_, make, code, message) => {
    expect(make).toThrowError(expect.objectContaining({ code, message: expect.stringContaining(message) }))
  })
})

describe('confusionPlot', () => {
  const values = (counts: number[][]) =>
    (confusionPlot({ labels: ['a', 'b'], counts }) as unknown as { layer: { data: { values: object[] } }[] }).layer[0]!
      .data.values

  it('shows counts and shares of the rows', () => {
    const cells = values([
      [12_345, 0],
      [1, 3],
    ])
    expect(cells).toMatchObject([
      { is: 'a', called: 'a', share: 1, count: '12\u00a0345', percent: '100.0 %' },
      { is: 'a', called: 'b', share: 0, count: '0' },
      { is: 'b', called: 'a', share: 0.25, percent: '25.0 %' },
      { is: 'b', called: 'b', share: 0.75, percent: '75.0 %' },
    ])
    expect(
      values([
        [0, 0],
        [0, 1],
      ])[0],
    ).toMatchObject({ share: 0 })
  })

  it.each([
    [
      'equal labels',
      () =>
        confusionPlot({
          labels: ['a', 'a'],
          counts: [
            [1, 0],
            [0, 1],
          ],
        }),
      'E_ARGUMENT',
      'a twice',
    ],
    ['a missing row', () => confusionPlot({ labels: ['a', 'b'], counts: [[1, 0]] }), 'E_SHAPE', 'confusion counts'],
    [
      'a short row',
      () => confusionPlot({ labels: ['a', 'b'], counts: [[1, 0], [1]] }),
      'E_SHAPE',
      'confusion counts[1]',
    ],
    [
      'half an image',
      () =>
        confusionPlot({
          labels: ['a', 'b'],
          counts: [
            [1, 0.5],
            [0, 1],
          ],
        }),
      'E_ARGUMENT',
      'got 0.5',
    ],
  ])('refuses %s', (_, make, code, message) => {
    expect(make).toThrowError(expect.objectContaining({ code, message: expect.stringContaining(message) }))
  })
})

describe('marks of histograms', () => {
  it('widen the axis and leave room above the bars', () => {
    const spec = (marks: { x: number; label: string }[]) =>
      histogramPlot({ series: [{ name: 'ood', values: [0, 1, 1] }], xTitle: 'x', bins: 2, marks }) as unknown as {
        layer: { encoding: Record<'x' | 'y', { scale?: { domain: number[] } }> }[]
      }
    const { x, y } = spec([{ x: 4, label: 'threshold' }]).layer[0]!.encoding
    expect(x.scale!.domain[0]).toBe(0)
    expect(x.scale!.domain[1]).toBeGreaterThan(4)
    expect(y.scale!.domain[1]).toBeGreaterThan(1)
    expect(spec([]).layer[0]!.encoding.y.scale).toBeUndefined()
    expect(() => spec([{ x: Number.NaN, label: 'threshold' }])).toThrow('histogram mark threshold')
  })
})
