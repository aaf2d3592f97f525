// The figures of one direction: histograms of log p, L and S, bits against bits, ROC curves, and sorted images.
import { concatRows, type NdArray, takeRows } from '@ood/core'
import { complexityScore } from '@ood/llr'
import { histogramPlot, imageGrid, type PlotSpec, rocPlot, scatterPlot } from '@ood/plots'
import { rocCurve } from '@ood/roc'
import { dataSetTitle } from '../common/splits.ts'
import { type CodecResult, type Judged, MINIMUM, scoresBy } from './evaluate.ts'
import type { SetName } from './images.ts'
import type { DirectionResult, ScoredImages } from './result.ts'

/** Names of the sets in legends. */
function labels({ direction }: DirectionResult): Record<SetName, string> {
  const inside = dataSetTitle[direction.inDistribution]
  return {
    in_distr_train: `${inside}, held out for the threshold`,
    in_distr_test: `${inside}, test`,
    ood: `${dataSetTitle[direction.ood]} (OOD)`,
  }
}

const smallestBits = ({ bits }: { bits: Float64Array }): Float64Array => bits

/** Every chart of one direction by file name. */
export function charts(result: DirectionResult): Record<string, PlotSpec> {
  const { direction, sets, model } = result
  const label = labels(result)
  const score = scoresBy(sets, smallestBits)
  const shown = ['in_distr_test', 'ood'] as const
  const series = (values: (set: SetName) => Float64Array) =>
    shown.map((name) => ({ name, label: label[name], values: values(name) }))
  const modelBits = (set: SetName) => sets[set].logProb.map((nats) => -nats / Math.LN2)
  // Few images need wide bins, or every step is noise.
  const bins = sets.ood.logProb.length < 256 ? 20 : 40
  const histogram = (title: string, xTitle: string, values: (set: SetName) => Float64Array) =>
    histogramPlot({ title, subtitle: direction.title, xTitle, bins, width: 400, height: 220, series: series(values) })
  return {
    likelihood: histogram(`Bits by the ${model}`, '-log2 p(x) (bits)', modelBits),
    complexity: histogram('Bits by the best compressor', 'L(x), complexity (bits)', (set) => sets[set].bits),
    score: histogram(
      'Model bits minus compressor bits',
      'S(x) = -log2 p(x) - L(x) (bits), higher = more OOD',
      (set) => score[set],
    ),
    bits: scatterPlot({
      title: 'What the model needs against what a compressor needs',
      subtitle: direction.title,
      xTitle: 'L(x), best compressor (bits)',
      yTitle: `-log2 p(x), ${model} (bits)`,
      series: shown.map((name) => ({ name, label: label[name], x: sets[name].bits, y: modelBits(name) })),
    }),
    roc: roc(result),
  }
}

function roc({ direction, sets, codecs, evaluation }: DirectionResult): PlotSpec {
  const { in_distr_test: inside, ood } = sets
  // The curve of a score where higher = more OOD: accepting what is low.
  const curve = (label: string, a: Float64Array, b: Float64Array, { auc }: Judged) => {
    const points = rocCurve(
      a.map((value) => -value),
      b.map((value) => -value),
    )
    return { label, fpr: points.falsePositiveRate, tpr: points.truePositiveRate, auc }
  }
  const corrected = (result: CodecResult) => {
    const k = codecs.indexOf(result.codec)
    const score = ({ logProb, bits, bytes }: ScoredImages) =>
      complexityScore(logProb, k < 0 ? bits : bytes[k]!.map((size) => 8 * size))
    return curve(result.codec === MINIMUM ? MINIMUM : `with ${result.codec}`, score(inside), score(ood), result)
  }
  const alone = (set: ScoredImages) => set.logProb.map((nats) => -nats)
  return rocPlot({
    title: 'Accepting test images, rejecting the other data set',
    subtitle: direction.title,
    curves: [
      curve('likelihood alone', alone(inside), alone(ood), evaluation.likelihood),
      ...[...evaluation.codecs, evaluation.minimum].map(corrected),
    ],
    xTitle: `share of ${dataSetTitle[direction.ood]} accepted`,
    yTitle: `share of ${dataSetTitle[direction.inDistribution]} accepted`,
  })
}

/** Images in a row of the sheets. */
const STRIP = 16

/** Test images of both data sets from the simplest to the most complex, at even ranks. */
export function complexityStrips(result: DirectionResult): string {
  const { sets } = result
  const label = labels(result)
  return imageGrid({
    title: 'From the simplest to the most complex',
    range: [0, 255],
    columns: STRIP,
    groups: (['in_distr_test', 'ood'] as const).map((name) => {
      const { images, bits } = sets[name]
      const chosen = evenRanks(bits)
      const [low, high] = [bits[chosen[0]!]!, bits[chosen.at(-1)!]!]
      return { label: `${label[name]}: ${low.toFixed(0)} to ${high.toFixed(0)} bits`, images: takeRows(images, chosen) }
    }),
  })
}

/** Test images of both data sets together, from the least to the most OOD, by likelihood and by the score. */
export function rankedStrips({ sets, model }: DirectionResult): string {
  const { in_distr_test: inside, ood } = sets
  const images: NdArray = concatRows([inside.images, ood.images])
  const both = (values: (set: ScoredImages) => Float64Array) => Float64Array.of(...values(inside), ...values(ood))
  const strip = (label: string, scores: Float64Array) => ({
    label,
    images: takeRows(images, evenRanks(scores, 2 * STRIP)),
  })
  return imageGrid({
    title: 'Both data sets together, from least to most OOD',
    range: [0, 255],
    columns: STRIP,
    groups: [
      strip(
        `by likelihood alone (${model})`,
        both((set) => set.logProb.map((nats) => -nats)),
      ),
      strip(
        'by likelihood corrected for complexity',
        both((set) => complexityScore(set.logProb, set.bits)),
      ),
    ],
  })
}

/** Rows at even ranks of ascending values, the lowest and the highest among them. */
export function evenRanks(values: Float64Array, count: number = STRIP): number[] {
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]! || a - b)
  const n = Math.min(count, order.length)
  return Array.from({ length: n }, (_, i) => order[n === 1 ? 0 : Math.round((i * (order.length - 1)) / (n - 1))]!)
}
