// What the example shows and says: CSVs per set, figures, tables, prose.
import { complexityScore } from '@ood/llr'
import { type ReportHighlight, type ReportTable, shareText } from '@ood/plots'
import type { Run } from '@ood/run'
import { chartsOf, curveOf, rocChart } from '../common/charts.ts'
import type { Report } from '../common/example.ts'
import { figure, type Section } from '../common/figures.ts'
import { FALSE_POSITIVE_RATE } from '../common/judge.ts'
import { aucHighlight, rangeText } from '../common/report-text.ts'
import { pairTitle, titlesOf } from '../common/splits.ts'
import { type CodecResult, type DirectionResult, type Judged, MINIMUM, scoresBy } from './evaluate.ts'
import { type Scored, type SetName, setNames } from './measure.ts'
import { complexityStrips, rankedStrips } from './strips.ts'

export function report(all: readonly DirectionResult[]): Report {
  const first = all[0]!
  return {
    title: 'Likelihood minus complexity',
    intro: intro(first),
    rows: { label: 'test images', value: `${imagesOf(first)} a set` },
    highlights: all.flatMap(highlights),
    sections: [...all.map(directionSection), methodSection(first)],
  }
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

function intro(result: DirectionResult): string {
  const { direction, model, evaluation } = result
  const n = imagesOf(result)
  const [inside, outside] = titlesOf(direction)
  const { likelihood, minimum } = evaluation
  return [
    `How likely an image is under a model depends on how simple it is, whatever the model has seen. For a ${model} of ${inside}, likelihood alone tells ${outside} from ${inside} with an AUC of ${shareText(likelihood.auc, { n })}, where 0.5 is a coin.`,
    `A lossless compressor knows how simple an image is and has seen nothing at all. Bits the model needs minus bits the compressor needs, S(x) = -log2 p(x) - L(x), is a likelihood ratio with the compressor in place of a second model (Serrà et al. 2020). With the smallest of several compressed files as L its AUC is ${shareText(minimum.auc, { n })}.`,
  ].join('\n\n')
}

function highlights(result: DirectionResult): ReportHighlight[] {
  const { likelihood, minimum } = result.evaluation
  const n = imagesOf(result)
  const pair = pairTitle(result.direction)
  return [
    aucHighlight(`AUC of likelihood alone, ${pair}`, likelihood.auc, { n, interval: likelihood.interval }),
    aucHighlight(`corrected for complexity, ${pair}`, minimum.auc, { n, interval: minimum.interval }),
  ]
}

const percent = (share: number): string => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`

/** Test images on the smaller side of the AUCs. */
function imagesOf({ sets }: DirectionResult): number {
  return Math.min(sets.in_distr_test.logProb.length, sets.ood.logProb.length)
}

/** The one table: every way to estimate complexity, likelihood alone first. */
function codecTable({ direction, evaluation }: DirectionResult): ReportTable {
  const { likelihood, codecs, minimum } = evaluation
  const [inside, outside] = titlesOf(direction)
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
    caption: `Pairs are ${inside} test images / ${outside}. "Smallest file" is how often the codec wins. "L alone" takes complex images for OOD, without any model: near 0 or near 1, depending on which data set is which. S is likelihood corrected by L. "Flagged" is at a threshold for ${percent(FALSE_POSITIVE_RATE)} of held-out ${inside}.`,
  }
}

function directionSection(result: DirectionResult): Section {
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
    heading: `${model} trained on ${inside}, against ${outside}`.replace(/^f/, 'F'),
    folder: `${direction.checkpoint}/figures`,
    blocks: [
      codecTable(result),
      [
        charts.histogram({
          name: 'likelihood',
          title: `Bits by the ${model}`,
          xTitle: '-log2 p(x) (bits)',
          values: modelBits,
          ...size,
        }),
        charts.histogram({
          name: 'complexity',
          title: 'Bits by the best compressor',
          xTitle: 'L(x), complexity (bits)',
          values: (set) => sets[set].bits,
          ...size,
        }),
      ],
      charts.histogram({
        name: 'score',
        title: 'Model bits minus compressor bits',
        xTitle: 'S(x) = -log2 p(x) - L(x) (bits), higher = more OOD',
        values: (set) => score[set],
        ...size,
        caption: `Complex images take more bits of both kinds. In the difference that cancels, and what is left is how much better than a general-purpose compressor the model knows ${inside}.`,
      }),
      charts.scatter({
        name: 'bits',
        title: 'What the model needs against what a compressor needs',
        xTitle: 'L(x), best compressor (bits)',
        yTitle: `-log2 p(x), ${model} (bits)`,
        x: (set) => sets[set].bits,
        y: modelBits,
        caption:
          'Images of one score lie on a line of slope one: the higher the line, the more OOD. Likelihood alone cuts horizontally.',
      }),
      rocChart(direction, rocCurves(result)),
      figure('sorted', complexityStrips(result, label), 'Sixteen test images of each set at even ranks of complexity.'),
      figure(
        'ranked',
        rankedStrips(result),
        `Thirty-two of all test images at even ranks, left to right and down. A perfect score has all ${inside} in the first row, all ${outside} in the second.`,
      ),
    ],
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

function methodSection({ model, codecs }: DirectionResult): Section {
  return {
    heading: 'How it is computed',
    blocks: [
      {
        text: [
          `L is 8 times the bytes of a lossless file, headers included, the smallest of ${codecs.join(', ')}. A codec's headers are the same for every image, so they move all its scores alike. PNG is this project's encoder; the others are optional packages.`,
          `log p is that of the discrete image in units of one grey level${model === 'flow' ? ': the density of the dequantised image, log-determinants of the preprocessing included' : ''}, so that both terms are bits. No choice was made on any of these images: the smallest file is the paper's rule, whether or not a single codec does better.`,
          'The codec with the smallest files need not give the best score. What counts is how well it cancels what the likelihood owes to complexity, and that depends on the kind of structure each of them can use.',
        ].join('\n\n'),
      },
    ],
  }
}
