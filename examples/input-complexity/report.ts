// What the example shows: CSVs per set, figures, tables and the numbers of its words, which are in report.md.
import { complexityScore } from '@ood/llr'
import type { ReportTable } from '@ood/plots'
import type { Run } from '@ood/run'
import { chartsOf, curveOf, rocChart } from '../common/charts.ts'
import { type Report, wordsBeside } from '../common/example.ts'
import { figure, inFolder } from '../common/figures.ts'
import { FALSE_POSITIVE_RATE } from '../common/judge.ts'
import { aucWords, rangeText } from '../common/report-text.ts'
import { titlesOf } from '../common/splits.ts'
import { type CodecResult, type DirectionResult, type Judged, MINIMUM, scoresBy } from './evaluate.ts'
import { type Scored, type SetName, setNames } from './measure.ts'
import { complexityStrips, rankedStrips } from './strips.ts'

export function report(all: readonly DirectionResult[]): Report {
  const { model, codecs } = all[0]!
  const directions = all.map(valuesOf)
  const values = { first: directions[0], directions, codecNames: codecs.join(', '), isFlow: model === 'flow' }
  const rows = { label: 'test images', value: `${imagesOf(all[0]!)} a set` }
  return { ...wordsBeside(import.meta.url, values), rows }
}

/** CSVs with the reference's column names, the score and every codec's bytes. */
export function files(run: Run<unknown>, all: readonly DirectionResult[]): void {
  for (const { direction, sets, codecs } of all)
    for (const set of setNames) {
      const { logProb, bits, bytes, winner } = sets[set]
      run.writeCsv(`${direction.checkpoint}/${set}`, {
        'log-likelihood': logProb.map((nats) => nats / Math.LN2),
        'complexity-scores': bits,
        oodScore: complexityScore(logProb, bits),
        winner: Array.from(winner, (k) => codecs[k]!),
        ...Object.fromEntries(codecs.map((codec, k) => [`${codec}-bytes`, bytes[k]!])),
      })
    }
}

/** What the report says and shows of one direction. */
function valuesOf(result: DirectionResult) {
  const { direction, model, evaluation } = result
  const { likelihood, minimum } = evaluation
  const [inside, outside] = titlesOf(direction)
  const n = imagesOf(result)
  return {
    ...{ inside, outside, model, modelTitle: model.replace(/^f/, 'F') },
    likelihood: aucWords(likelihood.auc, { n, ...likelihood }),
    minimum: aucWords(minimum.auc, { n, ...minimum }),
    falsePositiveRate: percent(FALSE_POSITIVE_RATE),
    codecs: codecTable(result),
    figures: inFolder(`${direction.checkpoint}/figures`, figuresOf(result)),
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`

/** Test images on the smaller side of the AUCs. */
function imagesOf({ sets }: DirectionResult): number {
  return Math.min(sets.in_distr_test.logProb.length, sets.ood.logProb.length)
}

/** The one table: every way to estimate complexity, likelihood alone first. */
function codecTable({ evaluation }: DirectionResult): ReportTable {
  const { likelihood, codecs, minimum } = evaluation
  const judged = (result: Judged) => [
    result.auc,
    rangeText(result.interval),
    `${percent(result.flagged.inDistr)} / ${percent(result.flagged.ood)}`,
  ]
  const row = (name: string, result: CodecResult) => [
    name,
    `${result.bytes.in_distr_test.toFixed(0)} / ${result.bytes.ood.toFixed(0)}`,
    result.wins ? `${percent(result.wins.in_distr_test)} / ${percent(result.wins.ood)}` : '',
    result.alone,
    ...judged(result),
  ]
  return {
    table: [
      ['', 'mean bytes', 'smallest file', 'AUC, L alone', 'AUC, S', '95 % interval', 'flagged'],
      ['likelihood alone', '', '', '', ...judged(likelihood)],
      ...codecs.map((result) => row(result.codec, result)),
      row(`**${minimum.codec}**`, minimum),
    ],
  }
}

function figuresOf(result: DirectionResult) {
  const { direction, model, sets } = result
  const [inside, outside] = titlesOf(direction)
  const label: Record<SetName, string> = {
    in_distr_train: `${inside}, held out for the threshold`,
    in_distr_test: `${inside}, test`,
    ood: `${outside} (OOD)`,
  }
  const charts = chartsOf(
    (['in_distr_test', 'ood'] as const).map((set) => ({ set, name: set, label: label[set] })),
    { subtitle: direction.title, rows: sets.ood.logProb.length },
  )
  const size = { width: 400, height: 220 }
  const score = scoresBy(sets, ({ bits }) => bits)
  const modelBits = (set: SetName) => sets[set].logProb.map((nats) => -nats / Math.LN2)
  return {
    likelihood: charts.histogram({
      name: 'likelihood',
      title: `Bits by the ${model}`,
      xTitle: '-log2 p(x) (bits)',
      values: modelBits,
      ...size,
    }),
    complexity: charts.histogram({
      name: 'complexity',
      title: 'Bits by the best compressor',
      xTitle: 'L(x), complexity (bits)',
      values: (set) => sets[set].bits,
      ...size,
    }),
    score: charts.histogram({
      name: 'score',
      title: 'Model bits minus compressor bits',
      xTitle: 'S(x) = -log2 p(x) - L(x) (bits), higher = more OOD',
      values: (set) => score[set],
      ...size,
    }),
    bits: charts.scatter({
      name: 'bits',
      title: 'What the model needs against what a compressor needs',
      xTitle: 'L(x), best compressor (bits)',
      yTitle: `-log2 p(x), ${model} (bits)`,
      x: (set) => sets[set].bits,
      y: modelBits,
    }),
    roc: rocChart(direction, rocCurves(result)),
    sorted: figure('sorted', complexityStrips(result, label)),
    ranked: figure('ranked', rankedStrips(result)),
  }
}

function rocCurves({ sets, codecs, evaluation }: DirectionResult) {
  const { in_distr_test: inside, ood } = sets
  const curve = (label: string, score: (set: Scored) => Float64Array, { auc }: Judged) =>
    curveOf(label, score(inside), score(ood), auc)
  const corrected = (result: CodecResult) => {
    const k = codecs.indexOf(result.codec)
    const bitsOf = ({ bits, bytes }: Scored) => (k < 0 ? bits : bytes[k]!.map((size) => 8 * size))
    const label = result.codec === MINIMUM ? MINIMUM : `with ${result.codec}`
    return curve(label, (set) => complexityScore(set.logProb, bitsOf(set)), result)
  }
  return [
    curve('likelihood alone', (set) => set.logProb.map((nats) => -nats), evaluation.likelihood),
    ...[...evaluation.codecs, evaluation.minimum].map(corrected),
  ]
}
