// Writes what people read: CSVs per set, figures as SVG and Vega-Lite JSON, and one self-contained report.html.

import { htmlReport, type ReportBlock, type ReportSection, shareText } from '@ood/plots'
import type { Run } from '@ood/run'
import { aucHighlight, factsOfRun, percentText, rangeText } from '../common/report-text.ts'
import { dataSetTitle, mean } from '../common/splits.ts'
import { writeFigures } from '../common/write-figures.ts'
import { methods } from './choose.ts'
import type { Decided } from './evaluate.ts'
import { charts, methodTitle, pixelMaps, sampleSheet, setLabels } from './figures.ts'
import { setNames } from './images.ts'
import type { Options } from './options.ts'
import type { DirectionResult, ModelFacts } from './result.ts'

/** Writes every output file but `summary.json`; returns the path of the report. */
export async function writeReport(
  run: Run<unknown>,
  all: readonly DirectionResult[],
  options: Options,
): Promise<string> {
  const sections: ReportSection[] = [aucSection(all)]
  for (const result of all) {
    const folder = result.direction.checkpoint
    writeSets(run, result, folder)
    const svg = await writeFigures(run, `${folder}/figures`, charts(result), {
      maps: result.maps && pixelMaps(result, result.maps),
      samples: result.samples && sampleSheet(result, result.samples),
    })
    sections.push(directionSection(result, svg))
  }
  const { n, seed, model, dataDir } = options
  return run.writeText(
    'report.html',
    htmlReport({
      title: 'Likelihood ratios: what the background explains, cancelled',
      intro: intro(all[0]!),
      facts: factsOfRun(run, { label: 'test images', value: `${testImages(all[0]!.sets)} a data set` }),
      highlights: highlights(all[0]!),
      sections: [...sections, methodSection(all)],
      footer: `\`npm run example -- likelihood-ratio --model ${model} --n ${n} --seed ${seed}\`, ${n} test images a data set, data: ${dataDir === undefined ? 'packaged samples' : 'official files'}.`,
    }),
  )
}

/** Scores of every image; all but the log-likelihoods and the size in bits are higher for more OOD. */
function writeSets(run: Run<unknown>, { sets, evaluation }: DirectionResult, folder: string): void {
  for (const name of setNames) {
    const { semantic, background, complexity } = sets[name]
    const { llr, typicality, complexity: complexityScore } = evaluation.scores[name]
    run.writeCsv(`${folder}/${name}`, {
      likelihood: semantic,
      backgroundLikelihood: background,
      complexityBits: complexity,
      oodScore: llr,
      typicality,
      complexityScore,
    })
  }
}

function intro({ direction, evaluation, sets }: DirectionResult): string {
  const { likelihood, llr } = evaluation.results
  const n = testImages(sets)
  const [inside, outside] = [dataSetTitle[direction.inDistribution], dataSetTitle[direction.ood]]
  const paradox = likelihood.auc < 0.5
  return [
    `A model of ${inside} was asked which images are ${inside} and which are ${outside}. By its likelihood alone the AUC is ${shareText(likelihood.auc, { n })}${paradox ? `, worse than a coin: a likelihood is mostly about the background, and ${outside} has a simple one` : ''}.`,
    `A second model, trained on the same images with some of their pixels replaced at random, knows the background and not much else. The ratio of the two likelihoods leaves out what both know: its AUC is ${shareText(llr.auc, { n })}.`,
  ].join('\n\n')
}

function highlights({ direction, evaluation, sets }: DirectionResult) {
  const { likelihood, llr } = evaluation.results
  const n = testImages(sets)
  const pair = `${dataSetTitle[direction.inDistribution]} against ${dataSetTitle[direction.ood]}`
  return [
    aucHighlight(`AUC of the likelihood alone, ${pair}`, likelihood.auc, { n, interval: likelihood.interval }),
    aucHighlight('AUC of the likelihood ratio', llr.auc, { n, interval: llr.interval }),
    aucHighlight('F1 at the threshold of a batch that is half OOD', llr.contaminated.f1, { n }),
    { value: percentText(llr.clean.recall), label: 'of OOD images flagged, with 5 % of clean images' },
  ]
}

function aucSection(all: readonly DirectionResult[]): ReportSection {
  const rows = all.flatMap(({ direction, evaluation }) =>
    methods.map((method, i) => {
      const { auc, interval, contaminated, clean } = evaluation.results[method]
      return [
        i === 0 ? `${dataSetTitle[direction.inDistribution]} against ${dataSetTitle[direction.ood]}` : '',
        method === 'llr' ? `**${methodTitle[method]}**` : methodTitle[method],
        auc,
        rangeText(interval),
        contaminated.f1,
        percentText(falsePositiveRate(clean)),
        percentText(clean.recall),
      ]
    }),
  )
  return {
    heading: 'Area under the ROC curve',
    blocks: [
      {
        table: [
          ['', 'score', 'AUC', '95 % interval', 'F1, mixed batch', 'test images flagged', 'OOD flagged'],
          ...rows,
        ],
        caption:
          'An AUC of 1 is perfect, 0.5 is a coin, below 0.5 prefers the wrong data set. Intervals are DeLong\'s. "F1, mixed batch" is at the threshold read off a batch of which half is OOD; the last two columns are at the threshold that flags 5 % of clean in-distribution images.',
      },
    ],
  }
}

function directionSection(result: DirectionResult, svg: Record<string, string>): ReportSection {
  const { direction, sets, choices, evaluation, models, samples } = result
  const [inside, outside] = [dataSetTitle[direction.inDistribution], dataSetTitle[direction.ood]]
  const { llr, likelihood, background } = evaluation.results
  const { gain } = evaluation
  const label = setLabels(result)
  const shown = ['in_distr_train', 'in_distr_test', 'ood'] as const
  const row = (title: string, values: (name: (typeof shown)[number]) => number) => [
    title,
    ...shown.map((name) => values(name).toFixed(0).replace('-', '\u2212')),
  ]
  const kind = result.validation ? 'validation' : 'training'
  const blocks: ReportBlock[] = [
    {
      figures: [
        {
          svg: svg.likelihood!,
          caption: `By likelihood alone, ${outside} lies on the side of the ${likelihood.auc < 0.5 ? 'likelier' : 'less likely'} images.`,
        },
        { svg: svg.ratio!, caption: 'The ratio, with both thresholds: images to the left of one are called OOD.' },
      ],
    },
    {
      table: [
        ['mean', ...shown.map((name) => label[name])],
        row('log p, semantic model (nats)', (name) => mean(sets[name].semantic)),
        row('log p, background model (nats)', (name) => mean(sets[name].background)),
        row('ratio (nats)', (name) => mean(sets[name].semantic) - mean(sets[name].background)),
        row('smallest PNG (bits)', (name) => mean(sets[name].complexity)),
      ],
    },
    {
      figures: [
        {
          svg: svg.background!,
          caption: `The background model takes ${outside} for ${background.auc < 0.5 ? 'likelier' : 'less likely'}, ${background.auc < 0.5 === likelihood.auc < 0.5 ? 'as the semantic one does' : 'which the semantic one does not'}.`,
        },
        { svg: svg.scatter!, caption: 'Every image by both numbers; the line is the threshold of the mixed batch.' },
      ],
    },
    {
      svg: svg.roc!,
      caption: `The ratio's AUC is that of the likelihood ${gain.difference < 0 ? '\u2212' : '+'} ${Math.abs(gain.difference).toFixed(3)}, with a standard error of ${gain.standardError.toFixed(3)} on these images (DeLong).`,
    },
    {
      figures: [
        {
          svg: svg['confusion-mixed']!,
          caption: `Median score of ${choices.contaminatedImages} images, half ${inside} (${kind}), half ${outside} (training), as in the notebook this follows. It needs OOD images, and to know that they are half of the batch.`,
        },
        {
          svg: svg['confusion-clean']!,
          caption: `Flags ${percentText(choices.falsePositiveRate)} of ${sets.in_distr_train.semantic.length} ${inside} images (${kind}): no OOD image is needed.`,
        },
      ],
    },
    {
      table: [
        ['likelihood ratio', 'threshold (score)', 'F1', 'accuracy', 'precision', 'recall'],
        decisionRow('mixed batch', llr.contaminated),
        decisionRow('clean images', llr.clean),
      ],
      caption:
        'Scores are minus the ratio, higher = more OOD; above the threshold is called OOD. OOD is the positive class.',
    },
  ]
  if (svg.maps)
    blocks.push({
      svg: svg.maps,
      caption: `Log-probability of every pixel given those before it, and the ratio of the two models: blue speaks for ${inside}, orange against it. Colours have the same meaning in all rows; the ends of the scales are the 1 % and 99 % quantiles of the pixels shown.`,
    })
  if (svg.samples) blocks.push({ svg: svg.samples, caption: `${samples!.shape[0]} samples of the semantic model.` })
  blocks.push({
    table: [
      ['model', 'kind', 'parameters', 'steps of training', 'bits/dim as recorded', 'pixels replaced'],
      ...[models.semantic, models.background].map(modelRow),
    ],
    caption: 'What the manifests of the two checkpoints say.',
  })
  return { heading: `Trained on ${inside}, against ${outside}`, blocks }
}

function decisionRow(title: string, { threshold, f1, accuracy, precision, recall }: Decided) {
  return [title, threshold.toFixed(1).replace('-', '\u2212'), f1, accuracy, precision, recall]
}

function modelRow({ name, kind, parameters, steps, bitsPerDim, mutation }: ModelFacts) {
  const splits = Object.entries((bitsPerDim ?? {}) as Record<string, unknown>)
  const bits = splits.map(([split, value]) => (typeof value === 'number' ? `${value.toFixed(2)} (${split})` : split))
  const { rate } = (mutation ?? {}) as { rate?: number }
  const count = (value: number | null) => (value === null ? '-' : value.toLocaleString('en'))
  return [
    name,
    kind,
    count(parameters),
    count(steps),
    bits.join(', ') || '-',
    rate === undefined ? 'none' : percentText(rate),
  ]
}

function methodSection(all: readonly DirectionResult[]): ReportSection {
  const { kind } = all[0]!.models.semantic
  const model =
    kind === 'autoregressive'
      ? 'Both models are PixelCNN++: log p(x) is the sum over pixels of log p(pixel | pixels before it), each a mixture of logistics over the 256 grey levels. One evaluation of the network gives all pixels.'
      : 'Both models are normalizing flows: log p is that of the dequantised image, per grey level. Both see the same dequantisation noise, a function of the seed and the place of the image.'
  return {
    heading: 'How it is computed',
    blocks: [
      {
        text: [
          model,
          'The score is -(log p semantic - log p background) (Ren et al. 2019). The background model was trained on images whose pixels were replaced, with the probability in the table of models, by another grey level.',
          'Typicality is the distance of -log p from its mean over in-distribution images (Nalisnick et al. 2019). Input complexity is -log2 p minus the size of the smallest lossless PNG in bits (Serrà et al. 2020), a ratio whose background model is a compressor. "Background model alone" is -log p of the background model, for comparison.',
          'Thresholds and the mean of typicality come from training and validation images; the test images are only scored.',
        ].join('\n\n'),
      },
    ],
  }
}

function falsePositiveRate({ falsePositives, trueNegatives }: Decided): number {
  return falsePositives / (falsePositives + trueNegatives)
}

/** Test images on the smaller side of the AUCs. */
function testImages({ in_distr_test: test, ood }: DirectionResult['sets']): number {
  return Math.min(test.semantic.length, ood.semantic.length)
}
