// The figures of one direction.
import { flatData, type NdArray, tensor } from '@ood/core'
import { confusionPlot, histogramPlot, imageGrid, mapGrid, type PlotSpec, rocPlot, scatterPlot } from '@ood/plots'
import { rocCurve } from '@ood/roc'
import { dataSetTitle } from '../common/splits.ts'
import type { Method } from './choose.ts'
import type { Decided } from './evaluate.ts'
import type { SetName } from './images.ts'
import type { Maps } from './measure.ts'
import type { DirectionResult } from './result.ts'

/** What the report calls each score. */
export const methodTitle: Record<Method, string> = {
  llr: 'likelihood ratio',
  joint: 'ratio or likelihood, whichever is further out',
  likelihood: 'log-likelihood alone',
  typicality: 'typicality',
  complexity: 'input complexity',
  background: 'background model alone',
}

/** Sets that histograms show. */
const shown = ['in_distr_train', 'in_distr_test', 'ood'] as const

/** What the report calls each set; validation images exist with a data folder only. */
export function setLabels({ direction, validation }: Pick<DirectionResult, 'direction' | 'validation'>) {
  const [inside, outside] = [dataSetTitle[direction.inDistribution], dataSetTitle[direction.ood]]
  const kind = validation ? 'validation' : 'training'
  return {
    in_distr_train: `${inside}, ${kind}`,
    in_distr_test: `${inside}, test`,
    ood: `${outside} (OOD)`,
    ood_train: `${outside}, training`,
  } satisfies Record<SetName, string>
}

/** Every chart of one direction by file name. */
export function charts(result: DirectionResult): Record<string, PlotSpec> {
  const { direction, evaluation, sets } = result
  const { results, scores } = evaluation
  const label = setLabels(result)
  const [inside, outside] = [dataSetTitle[direction.inDistribution], dataSetTitle[direction.ood]]
  const ratio = (name: SetName): Float64Array => scores[name].llr.map((score) => -score)
  // Few images need wide bins, or every step is noise.
  const bins = sets.ood.semantic.length < 256 ? 20 : 40
  const histogram = (
    title: string,
    xTitle: string,
    values: (name: SetName) => Float64Array,
    marks: { x: number; label: string }[] = [],
  ): PlotSpec =>
    histogramPlot({
      title,
      subtitle: direction.title,
      xTitle,
      bins,
      marks,
      series: shown.map((name) => ({ name, label: label[name], values: values(name) })),
    })
  const { contaminated, clean } = results.llr
  const curve = (method: Method) => {
    const accepted = (name: SetName) => scores[name][method].map((score) => -score)
    const { falsePositiveRate: fpr, truePositiveRate: tpr } = rocCurve(accepted('in_distr_test'), accepted('ood'))
    return { label: methodTitle[method], fpr, tpr, auc: results[method].auc }
  }
  const confusion = (title: string, at: Decided): PlotSpec =>
    confusionPlot({
      title,
      subtitle: `ratio below ${(-at.threshold).toFixed(1).replace('-', '\u2212')} nats is called OOD`,
      labels: [inside, outside],
      counts: [
        [at.trueNegatives, at.falsePositives],
        [at.falseNegatives, at.truePositives],
      ],
      xTitle: 'decision',
      yTitle: 'truth',
    })
  return {
    likelihood: histogram(
      'Log-likelihood under the semantic model',
      'log p, semantic model (nats)',
      (name) => sets[name].semantic,
    ),
    background: histogram(
      'Log-likelihood under the background model',
      'log p, background model (nats)',
      (name) => sets[name].background,
    ),
    ratio: histogram(
      'Likelihood ratio: semantic over background',
      'log p semantic \u2212 log p background (nats)',
      ratio,
      [
        { x: -contaminated.threshold, label: 'threshold, mixed batch' },
        { x: -clean.threshold, label: 'threshold, clean images' },
      ],
    ),
    scatter: scatterPlot({
      title: 'The ratio against the likelihood',
      subtitle: direction.title,
      xTitle: 'log p, semantic model (nats)',
      yTitle: 'log p semantic \u2212 log p background (nats)',
      series: (['in_distr_test', 'ood'] as const).map((name) => ({
        name,
        label: label[name],
        x: sets[name].semantic,
        y: ratio(name),
      })),
      thresholds: { y: -contaminated.threshold, yLabel: 'threshold of the mixed batch' },
    }),
    roc: rocPlot({
      title: 'Accepting test images, rejecting the other data set',
      subtitle: direction.title,
      curves: (['likelihood', 'llr', 'joint', 'typicality', 'complexity'] as const).map(curve),
      xTitle: `share of ${outside} accepted`,
      yTitle: `share of ${inside} accepted`,
    }),
    'confusion-mixed': confusion('Threshold from the mixed batch', contaminated),
    'confusion-clean': confusion('Threshold from clean images', clean),
  }
}

/** Log-probabilities of every pixel under both models and their difference, one row an image. */
export function pixelMaps(result: DirectionResult, maps: Record<'in_distr_test' | 'ood', Maps>): string {
  const label = setLabels(result)
  const names = ['in_distr_test', 'ood'] as const
  const all = (pick: (map: Maps) => NdArray): NdArray => {
    const parts = names.map((name) => flatData(pick(maps[name])))
    const [, ...row] = pick(maps.ood).shape.filter((_, axis) => !(axis === 1 && pick(maps.ood).shape.length === 4))
    const data = Float64Array.from(parts.flatMap((part) => [...part]))
    return tensor(data, [data.length / row.reduce((size, k) => size * k, 1), ...row])
  }
  const [semantic, background] = [all((map) => map.semantic), all((map) => map.background)]
  const ratio = tensor(
    flatData(semantic).map((value, i) => value - flatData(background)[i]!) as Float64Array,
    semantic.shape,
  )
  // A few pixels are far below all others; the ends of the colours are quantiles, so that these do not decide them.
  const low = quantile([...flatData(semantic), ...flatData(background)], 0.01)
  const reach = quantile([...flatData(ratio)].map(Math.abs), 0.99) || 1
  const note = (name: (typeof names)[number]) =>
    Array.from({ length: maps[name].semantic.shape[0]! }, (_, i) => {
      const { semantic, background } = result.sets[name]
      const signed = (value: number) => value.toFixed(0).replace('-', '\u2212')
      return [
        `log p semantic ${signed(semantic[i]!)}`,
        `log p background ${signed(background[i]!)}`,
        `ratio ${signed(semantic[i]! - background[i]!)}`,
      ]
    })
  return mapGrid({
    title: 'Where in the image the evidence lies',
    groups: names.map((name) => ({ label: label[name], rows: maps[name].semantic.shape[0]! })),
    notes: names.flatMap(note),
    columns: [
      { label: 'image', maps: all((map) => map.images), colors: 'grey', domain: [0, 255] },
      { label: 'semantic', maps: semantic, domain: [low, 0], bar: 'nats' },
      { label: 'background', maps: background, domain: [low, 0], bar: 'nats' },
      { label: 'ratio', maps: ratio, colors: 'diverging', domain: [-reach, reach], bar: 'nats' },
    ],
  })
}

/** Images drawn from the semantic model. */
export function sampleSheet({ direction }: DirectionResult, samples: NdArray): string {
  return imageGrid({
    title: `Drawn from the model of ${dataSetTitle[direction.inDistribution]}`,
    range: [0, 255],
    columns: 8,
    zoom: 2.5,
    groups: [{ images: samples }],
  })
}

function quantile(values: readonly number[], q: number): number {
  const ascending = Float64Array.from(values).sort()
  return ascending[Math.round(q * (ascending.length - 1))]!
}
