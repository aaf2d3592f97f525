// The figures of the example.
import { flatData, tensor } from '@ood/core'
import { confusionPlot, histogramPlot, mapGrid, type PlotSpec, rocPlot, scatterPlot } from '@ood/plots'
import { rocCurve } from '@ood/roc'
import { type Method, scoresOf } from './choose.ts'
import type { SplitName } from './data.ts'
import type { Decided } from './evaluate.ts'
import type { BaseRatios } from './measure.ts'
import type { Result } from './result.ts'

/** What the report calls each score. */
export const methodTitle: Record<Method, string> = {
  ratio: 'likelihood ratio',
  likelihood: 'log-likelihood alone',
  background: 'background model alone',
  gc: 'G and C content alone',
}

/** What the report calls each split. */
export const splitTitle: Record<SplitName, string> = {
  val_in: 'in distribution, validation',
  val_ood: 'OOD classes of validation',
  test_in: 'in distribution, test',
  test_ood: 'OOD classes of test',
}

/** The series of a split in figures: names choose colours. */
const series = [
  { split: 'val_in', name: 'in_distr_train' },
  { split: 'test_in', name: 'in_distr_test' },
  { split: 'test_ood', name: 'ood' },
] as const satisfies readonly { split: SplitName; name: string }[]
const testSeries = series.slice(1)

/** A number with the typographer's minus. */
export function signed(value: number, digits = 3): string {
  return value.toFixed(digits).replace('-', '\u2212')
}

/** Every chart by file name. */
export function charts({ splits, measured, evaluation, length }: Result): Record<string, PlotSpec> {
  const { results, scores } = evaluation
  const bins = scores.test_in.ratio.length < 256 ? 20 : 40
  const subtitle = `sequences of ${length} bases`
  const histogram = (
    title: string,
    xTitle: string,
    values: (split: SplitName) => Float64Array,
    marks: { x: number; label: string }[] = [],
  ): PlotSpec =>
    histogramPlot({
      title,
      subtitle,
      xTitle,
      yTitle: 'share of sequences',
      bins,
      marks,
      series: series.map(({ split, name }) => ({ name, label: splitTitle[split], values: values(split) })),
    })
  const ratio = (split: SplitName): Float64Array => scores[split].ratio.map((score) => -score)
  const againstGc = (title: string, yTitle: string, values: (split: SplitName) => Float64Array): PlotSpec =>
    scatterPlot({
      title,
      subtitle,
      xTitle: 'G and C content',
      yTitle,
      maxPoints: 600,
      series: testSeries.map(({ split, name }) => ({
        name,
        label: splitTitle[split],
        x: splits[split].gcContent,
        y: values(split),
      })),
    })
  const { normal, clean } = results.ratio.decided
  const curve = (label: string, auc: number, inside: Float64Array, outside: Float64Array) => {
    const negated = (values: Float64Array) => values.map((score) => -score)
    const { falsePositiveRate: fpr, truePositiveRate: tpr } = rocCurve(negated(inside), negated(outside))
    return { label, fpr, tpr, auc }
  }
  const shown: Method[] = ['likelihood', 'ratio', 'background']
  const curves = shown.map((method) =>
    curve(methodTitle[method], results[method].auc, scores.test_in[method], scores.test_ood[method]),
  )
  if (evaluation.exact) {
    const exact = (split: SplitName) => scoresOf(measured[split].exact!, splits[split].gcContent).ratio
    curves.push(curve('ratio of the exact models', evaluation.exact.ratio, exact('test_in'), exact('test_ood')))
  }
  return {
    likelihood: histogram(
      'Log-likelihood under the semantic model',
      'mean log p of a base (nats)',
      (split) => measured[split].lstm.semantic,
    ),
    ratio: histogram('Likelihood ratio: semantic over background', 'mean log ratio of a base (nats)', ratio, [
      { x: -normal.threshold, label: 'mixed batch' },
      { x: -clean.threshold, label: 'in distribution' },
    ]),
    'gc-likelihood': againstGc(
      'The likelihood follows the G and C content',
      'mean log p of a base (nats)',
      (split) => measured[split].lstm.semantic,
    ),
    'gc-ratio': againstGc('The ratio follows it far less', 'mean log ratio of a base (nats)', ratio),
    roc: rocPlot({
      title: 'Accepting known classes, rejecting unknown ones',
      subtitle,
      curves,
      xTitle: 'share of unknown classes accepted',
      yTitle: 'share of known classes accepted',
    }),
    'confusion-normal': confusion('Percentile 70: the normal share', normal),
    'confusion-reference': confusion('Percentile 30: the outlier share', results.ratio.decided.reference),
  }
}

function confusion(title: string, at: Decided): PlotSpec {
  return confusionPlot({
    title,
    subtitle: `ratio below ${signed(-at.threshold, 4)} nats a base is called OOD`,
    labels: ['known', 'unknown'],
    counts: [
      [at.trueNegatives, at.falsePositives],
      [at.falseNegatives, at.truePositives],
    ],
    xTitle: 'called',
    yTitle: 'is',
  })
}

/** Bases that the smoothed strips average over. */
export const WINDOW = 21

/** Log ratio of every base of a few sequences: as it is, averaged over neighbours, and where the coding stretches are. */
export function baseMaps({ splits, evaluation }: Result, maps: Record<'test_in' | 'test_ood', BaseRatios>): string {
  const steps = maps.test_in.shape[1]!
  const strips: { values: Float64Array; hatch: boolean }[] = []
  const groups: { label: string; rows: number }[] = []
  const notes: string[][] = []
  const reach = quantile(Array.from(flatData(maps.test_in), Math.abs), 0.9)
  // Averages are far smaller than single bases: each kind of strip is scaled to use the colours.
  const smoothReach = quantile(
    (['test_in', 'test_ood'] as const).flatMap((split) =>
      [...rowsOf(maps[split])].flatMap((row) => [...averaged(row).map(Math.abs)]),
    ),
    0.95,
  )
  for (const split of ['test_in', 'test_ood'] as const) {
    const { coding, gcContent, labels, names } = splits[split]
    for (const [i, row] of rowsOf(maps[split]).entries()) {
      const found = -evaluation.scores[split].ratio[i]!
      const kind = split === 'test_in' ? 'known' : 'unknown'
      const name = names[labels[i]!] ?? `class ${labels[i]}`
      strips.push({ values: Float64Array.from(row, (value) => value / reach), hatch: false })
      strips.push({ values: averaged(row).map((value) => value / smoothReach), hatch: false })
      const start = i * (steps + 1) + 1
      if (coding) strips.push({ values: hatched(coding.subarray(start, start + steps)), hatch: true })
      const rows = coding ? 3 : 2
      groups.push({
        label: `${kind}: ${name}, G and C ${(100 * gcContent[i]!).toFixed(0)} %, mean log ratio ${signed(found)}`,
        rows,
      })
      notes.push(['each base'], [`mean of ${WINDOW}`], ...(coding ? [['gaps']] : []))
    }
  }
  const height = 5
  const data = new Float64Array(strips.length * height * steps)
  for (const [i, { values, hatch }] of strips.entries())
    for (let y = 0; y < height; y++)
      // Every other line of a hatched strip is its negative: a pattern of both colours, which speaks for neither side.
      data.set(hatch && y % 2 ? values.map((value) => -value) : values, (i * height + y) * steps)
  return mapGrid({
    title: 'Where in the sequence the evidence lies',
    zoom: 2.4,
    groups,
    notes,
    columns: [
      {
        label: 'log ratio along the sequence: blue speaks for a known class, orange against',
        maps: tensor(data, [strips.length, height, steps]),
        colors: 'diverging',
        domain: [-1, 1],
      },
    ],
  })
}

/** Both ends of the colours in turn where bases are not coding, the middle elsewhere. */
function hatched(coding: Uint8Array): Float64Array {
  return Float64Array.from(coding, (on, t) => (on ? 0 : t % 2 ? 1 : -1))
}

function rowsOf(map: BaseRatios): Float64Array[] {
  const [n, steps] = map.shape as [number, number]
  const data = flatData(map)
  return Array.from({ length: n }, (_, i) => data.subarray(i * steps, (i + 1) * steps))
}

/** Mean of the `WINDOW` neighbours around each place, fewer at the ends. */
function averaged(row: Float64Array): Float64Array {
  const half = (WINDOW - 1) / 2
  return row.map((_, t) => {
    const part = row.subarray(Math.max(0, t - half), t + half + 1)
    return part.reduce((sum, value) => sum + value, 0) / part.length
  })
}

function quantile(values: readonly number[], q: number): number {
  const ascending = Float64Array.from(values).sort()
  return ascending[Math.round(q * (ascending.length - 1))]! || 1
}
