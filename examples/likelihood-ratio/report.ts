// What the example shows and says: CSVs per set, figures, tables, prose.
import { type ReportHighlight, type ReportTable, shareText } from '@ood/plots'
import type { Run } from '@ood/run'
import { chartsOf, confusionChart, curveOf, rocChart } from '../common/charts.ts'
import { decisionTable, flaggedShare, signed } from '../common/decisions.ts'
import type { Report } from '../common/example.ts'
import { type Block, figure, type Section } from '../common/figures.ts'
import { modelTable } from '../common/model-facts.ts'
import { aucHighlight, percentText, rangeText } from '../common/report-text.ts'
import { mean, pairTitle, titlesOf } from '../common/splits.ts'
import { type Method, methods } from './choose.ts'
import type { DirectionResult } from './evaluate.ts'
import { pixelMaps, sampleSheet } from './maps.ts'
import { type SetName, setNames } from './measure.ts'
import { methodSection } from './method-section.ts'

const methodTitle: Record<Method, string> = {
  llr: 'likelihood ratio',
  joint: 'ratio or likelihood, whichever is further out',
  likelihood: 'log-likelihood alone',
  typicality: 'typicality',
  complexity: 'input complexity',
  background: 'background model alone',
}

/** Sets that charts show. */
const shown = ['in_distr_train', 'in_distr_test', 'ood'] as const

export function report(all: readonly DirectionResult[]): Report {
  const first = all[0]!
  return {
    title: 'Likelihood ratios: what the background explains, cancelled',
    intro: intro(first),
    rows: { label: 'test images', value: `${testImages(first)} a data set` },
    highlights: highlights(first),
    sections: [aucSection(all), ...all.map(directionSection), methodSection(first)],
  }
}

/** Scores of every image; all but the log-likelihoods and the size in bits are higher for more OOD. */
export function files(run: Run<unknown>, all: readonly DirectionResult[]): void {
  for (const { direction, sets, evaluation } of all)
    for (const set of setNames) {
      const { llr, typicality, complexity: complexityScore } = evaluation.scores[set]
      run.writeCsv(`${direction.checkpoint}/${set}`, {
        likelihood: sets[set].semantic,
        backgroundLikelihood: sets[set].background,
        complexityBits: sets[set].complexity,
        oodScore: llr,
        typicality,
        complexityScore,
      })
    }
}

function intro(result: DirectionResult): string {
  const { direction, evaluation } = result
  const { likelihood, llr } = evaluation.results
  const n = testImages(result)
  const [inside, outside] = titlesOf(direction)
  const paradox = likelihood.auc < 0.5
  return [
    `A model of ${inside} was asked which images are ${inside} and which are ${outside}. By its likelihood alone the AUC is ${shareText(likelihood.auc, { n })}${paradox ? `, worse than a coin: a likelihood is mostly about the background, and ${outside} has a simple one` : ''}.`,
    `A second model, trained on the same images with some of their pixels replaced at random, knows the background and not much else. The ratio of the two likelihoods leaves out what both know: its AUC is ${shareText(llr.auc, { n })}.`,
  ].join('\n\n')
}

function highlights(result: DirectionResult): ReportHighlight[] {
  const { likelihood, llr } = result.evaluation.results
  const n = testImages(result)
  const { contaminated, clean } = llr.decided
  const alone = `AUC of the likelihood alone, ${pairTitle(result.direction)}`
  return [
    aucHighlight(alone, likelihood.auc, { n, interval: likelihood.interval }),
    aucHighlight('AUC of the likelihood ratio', llr.auc, { n, interval: llr.interval }),
    aucHighlight('F1 at the threshold of a batch that is half OOD', contaminated.f1, { n }),
    { value: percentText(clean.recall), label: 'of OOD images flagged, with 5 % of clean images' },
  ]
}

function aucSection(all: readonly DirectionResult[]): Section {
  const rows = all.flatMap(({ direction, evaluation }) =>
    methods.map((method, i) => {
      const { auc, interval, decided } = evaluation.results[method]
      const { contaminated, clean } = decided
      const title = method === 'llr' ? `**${methodTitle[method]}**` : methodTitle[method]
      const shares = [percentText(flaggedShare(clean)), percentText(clean.recall)]
      return [i === 0 ? pairTitle(direction) : '', title, auc, rangeText(interval), contaminated.f1, ...shares]
    }),
  )
  const head = ['', 'score', 'AUC', '95 % interval', 'F1, mixed batch', 'test images flagged', 'OOD flagged']
  return {
    heading: 'Area under the ROC curve',
    blocks: [
      {
        table: [head, ...rows],
        caption:
          'An AUC of 1 is perfect, 0.5 is a coin, below 0.5 prefers the wrong data set. Intervals are DeLong\'s. "F1, mixed batch" is at the threshold read off a batch of which half is OOD; the last two columns are at the threshold that flags 5 % of clean in-distribution images.',
      },
    ],
  }
}

/** What the report calls each set; validation images exist with a data folder only. */
function setLabels({ direction, validation }: DirectionResult): Record<SetName, string> {
  const [inside, outside] = titlesOf(direction)
  return {
    in_distr_train: `${inside}, ${validation ? 'validation' : 'training'}`,
    in_distr_test: `${inside}, test`,
    ood: `${outside} (OOD)`,
    ood_train: `${outside}, training`,
  }
}

function directionSection(result: DirectionResult): Section {
  const { direction, sets, choices, evaluation, models, maps, samples } = result
  const [inside, outside] = titlesOf(direction)
  const { scores, results, gain } = evaluation
  const { llr, likelihood, background } = results
  const { contaminated, clean } = llr.decided
  const label = setLabels(result)
  const charts = chartsOf(
    shown.map((set) => ({ set, name: set, label: label[set] })),
    { subtitle: direction.title, rows: sets.ood.semantic.length },
  )
  const ratio = (set: SetName): Float64Array => scores[set].llr.map((score) => -score)
  const nats = 'log p semantic \u2212 log p background (nats)'
  const curves = (['likelihood', 'llr', 'joint', 'typicality', 'complexity'] as const).map((method) =>
    curveOf(methodTitle[method], scores.in_distr_test[method], scores.ood[method], results[method].auc),
  )
  const confusion = (name: 'mixed' | 'clean', title: string, caption: string) => {
    const at = name === 'mixed' ? contaminated : clean
    const subtitle = `ratio below ${signed(-at.threshold, 1)} nats is called OOD`
    const titles = { name: `confusion-${name}`, title, subtitle, xTitle: 'decision', yTitle: 'truth', caption }
    return confusionChart(titles, [inside, outside], at)
  }
  const kind = result.validation ? 'validation' : 'training'
  const simpler = background.auc < 0.5
  const blocks: Block[] = [
    [
      charts.histogram({
        name: 'likelihood',
        title: 'Log-likelihood under the semantic model',
        xTitle: 'log p, semantic model (nats)',
        values: (set) => sets[set].semantic,
        caption: `By likelihood alone, ${outside} lies on the side of the ${likelihood.auc < 0.5 ? 'likelier' : 'less likely'} images.`,
      }),
      charts.histogram({
        name: 'ratio',
        title: 'Likelihood ratio: semantic over background',
        xTitle: nats,
        values: ratio,
        marks: [
          { x: -contaminated.threshold, label: 'threshold, mixed batch' },
          { x: -clean.threshold, label: 'threshold, clean images' },
        ],
        caption: 'The ratio, with both thresholds: images to the left of one are called OOD.',
      }),
    ],
    meanTable(result, label),
    [
      charts.histogram({
        name: 'background',
        title: 'Log-likelihood under the background model',
        xTitle: 'log p, background model (nats)',
        values: (set) => sets[set].background,
        caption: `The background model takes ${outside} for ${simpler ? 'likelier' : 'less likely'}, ${simpler === likelihood.auc < 0.5 ? 'as the semantic one does' : 'which the semantic one does not'}.`,
      }),
      charts.scatter({
        name: 'scatter',
        title: 'The ratio against the likelihood',
        xTitle: 'log p, semantic model (nats)',
        yTitle: nats,
        x: (set) => sets[set].semantic,
        y: ratio,
        only: ['in_distr_test', 'ood'],
        thresholds: { y: -contaminated.threshold, yLabel: 'threshold of the mixed batch' },
        caption: 'Every image by both numbers; the line is the threshold of the mixed batch.',
      }),
    ],
    rocChart(direction, curves, {
      caption: `The ratio's AUC is that of the likelihood ${gain.difference < 0 ? '\u2212' : '+'} ${Math.abs(gain.difference).toFixed(3)}, with a standard error of ${gain.standardError.toFixed(3)} on these images (DeLong).`,
    }),
    [
      confusion(
        'mixed',
        'Threshold from the mixed batch',
        `Median score of ${choices.contaminatedImages} images, half ${inside} (${kind}), half ${outside} (training), as in the notebook this follows. It needs OOD images, and to know that they are half of the batch.`,
      ),
      confusion(
        'clean',
        'Threshold from clean images',
        `Flags ${percentText(choices.falsePositiveRate)} of ${sets.in_distr_train.semantic.length} ${inside} images (${kind}): no OOD image is needed.`,
      ),
    ],
    decisionTable(
      [
        ['mixed batch', contaminated],
        ['clean images', clean],
      ],
      1,
      'Scores are minus the ratio, higher = more OOD; above the threshold is called OOD. OOD is the positive class.',
    ),
    maps &&
      figure(
        'maps',
        pixelMaps(label, sets, maps),
        `Log-probability of every pixel given those before it, and the ratio of the two models: blue speaks for ${inside}, orange against it. Colours have the same meaning in all rows; the ends of the scales are the 1 % and 99 % quantiles of the pixels shown.`,
      ),
    samples && figure('samples', sampleSheet(inside, samples), `${samples.shape[0]} samples of the semantic model.`),
    modelTable(models, 'pixels'),
  ]
  return { heading: `Trained on ${inside}, against ${outside}`, folder: `${direction.checkpoint}/figures`, blocks }
}

function meanTable({ sets }: DirectionResult, label: Record<SetName, string>): ReportTable {
  const row = (title: string, values: (set: SetName) => number) => [
    title,
    ...shown.map((set) => signed(values(set), 0)),
  ]
  return {
    table: [
      ['mean', ...shown.map((set) => label[set])],
      row('log p, semantic model (nats)', (set) => mean(sets[set].semantic)),
      row('log p, background model (nats)', (set) => mean(sets[set].background)),
      row('ratio (nats)', (set) => mean(sets[set].semantic) - mean(sets[set].background)),
      row('smallest PNG (bits)', (set) => mean(sets[set].complexity)),
    ],
  }
}

/** Test images on the smaller side of the AUCs. */
function testImages({ sets }: DirectionResult): number {
  return Math.min(sets.in_distr_test.semantic.length, sets.ood.semantic.length)
}
