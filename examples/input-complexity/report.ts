// Writes what people read: CSVs per set, figures as SVG and Vega-Lite JSON, and one self-contained report.html.

import { complexityScore } from '@ood/llr'
import { htmlReport, type ReportHighlight, type ReportSection, type ReportTable, shareText } from '@ood/plots'
import type { Run } from '@ood/run'
import { aucHighlight, factsOfRun, rangeText } from '../common/report-text.ts'
import { dataSetTitle } from '../common/splits.ts'
import { writeFigures } from '../common/write-figures.ts'
import { type CodecResult, FALSE_POSITIVE_RATE, type Judged } from './evaluate.ts'
import { charts, complexityStrips, rankedStrips } from './figures.ts'
import { setNames } from './images.ts'
import type { Options } from './options.ts'
import type { DirectionResult } from './result.ts'

/** Writes every output file but `summary.json`; returns the path of the report. */
export async function writeReport(
  run: Run<unknown>,
  all: readonly DirectionResult[],
  options: Options,
): Promise<string> {
  const sections: ReportSection[] = []
  for (const result of all) {
    const folder = result.direction.checkpoint
    writeSets(run, result, folder)
    const svg = await writeFigures(run, `${folder}/figures`, charts(result), {
      sorted: complexityStrips(result),
      ranked: rankedStrips(result),
    })
    sections.push(directionSection(result, svg))
  }
  const first = all[0]!
  const command = [
    `npm run example -- input-complexity --n ${options.n} --seed ${options.seed}`,
    ...(options.model === 'flow' ? [] : [`--model ${options.model}`]),
    ...(options.codecs ? [`--codecs ${options.codecs.join(',')}`] : []),
  ].join(' ')
  return run.writeText(
    'report.html',
    htmlReport({
      title: 'Likelihood minus complexity',
      intro: intro(first),
      facts: factsOfRun(run, { label: 'test images', value: `${imagesOf(first)} a set` }),
      highlights: highlights(all),
      sections: [...sections, methodSection(first)],
      footer: `\`${command}\`, ${options.n} images a set, data: ${options.dataDir === undefined ? 'packaged samples' : 'official files'}.`,
    }),
  )
}

/** CSVs with the reference's column names (spec dgm 1.6.4), the score and every codec's bytes. */
function writeSets(run: Run<unknown>, { sets, codecs }: DirectionResult, folder: string): void {
  for (const name of setNames) {
    const { logProb, bits, bytes, winner } = sets[name]
    run.writeCsv(`${folder}/${name}`, {
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
  const inside = dataSetTitle[direction.inDistribution]
  const outside = dataSetTitle[direction.ood]
  const { likelihood, minimum } = evaluation
  return [
    `How likely an image is under a model depends on how simple it is, whatever the model has seen. For a ${model} of ${inside}, likelihood alone tells ${outside} from ${inside} with an AUC of ${shareText(likelihood.auc, { n })}, where 0.5 is a coin.`,
    `A lossless compressor knows how simple an image is and has seen nothing at all. Bits the model needs minus bits the compressor needs, S(x) = -log2 p(x) - L(x), is a likelihood ratio with the compressor in place of a second model (Serrà et al. 2020). With the smallest of several compressed files as L its AUC is ${shareText(minimum.auc, { n })}.`,
  ].join('\n\n')
}

function highlights(all: readonly DirectionResult[]): ReportHighlight[] {
  return all.flatMap((result) => {
    const { direction, evaluation } = result
    const { likelihood, minimum } = evaluation
    const n = imagesOf(result)
    const pair = `${dataSetTitle[direction.inDistribution]} against ${dataSetTitle[direction.ood]}`
    return [
      aucHighlight(`AUC of likelihood alone, ${pair}`, likelihood.auc, { n, interval: likelihood.interval }),
      aucHighlight(`corrected for complexity, ${pair}`, minimum.auc, { n, interval: minimum.interval }),
    ]
  })
}

const percent = (share: number): string => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`

/** Test images on the smaller side of the AUCs. */
function imagesOf({ sets }: DirectionResult): number {
  return Math.min(sets.in_distr_test.logProb.length, sets.ood.logProb.length)
}

/** The one table: every way to estimate complexity, likelihood alone first. */
function codecTable({ direction, evaluation }: DirectionResult): ReportTable {
  const { likelihood, codecs, minimum } = evaluation
  const inside = dataSetTitle[direction.inDistribution]
  const outside = dataSetTitle[direction.ood]
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

function directionSection(result: DirectionResult, svg: Record<string, string>): ReportSection {
  const { direction, model } = result
  const inside = dataSetTitle[direction.inDistribution]
  const outside = dataSetTitle[direction.ood]
  return {
    heading: `${model} trained on ${inside}, against ${outside}`.replace(/^f/, 'F'),
    blocks: [
      codecTable(result),
      { figures: [{ svg: svg.likelihood! }, { svg: svg.complexity! }] },
      {
        svg: svg.score!,
        caption: `Complex images take more bits of both kinds. In the difference that cancels, and what is left is how much better than a general-purpose compressor the model knows ${inside}.`,
      },
      {
        svg: svg.bits!,
        caption:
          'Images of one score lie on a line of slope one: the higher the line, the more OOD. Likelihood alone cuts horizontally.',
      },
      { svg: svg.roc! },
      { svg: svg.sorted!, caption: 'Sixteen test images of each set at even ranks of complexity.' },
      {
        svg: svg.ranked!,
        caption: `Thirty-two of all test images at even ranks, left to right and down. A perfect score has all ${inside} in the first row, all ${outside} in the second.`,
      },
    ],
  }
}

function methodSection({ model, codecs }: DirectionResult): ReportSection {
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
