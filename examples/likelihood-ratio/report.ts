// What the example shows: CSVs per set, figures, tables and the numbers of its words, which are in report.md.
import type { ReportTable } from '@ood/plots'
import type { Decisions } from '@ood/roc'
import type { Run } from '@ood/run'
import { chartsOf, confusionChart, curveOf, rocChart } from '../common/charts.ts'
import { decisionTable, flaggedShare, signed } from '../common/decisions.ts'
import { type Report, wordsBeside } from '../common/example.ts'
import { figure, inFolder } from '../common/figures.ts'
import { modelTable } from '../common/model-facts.ts'
import { aucWords, percentText, rangeText } from '../common/report-text.ts'
import { mean, pairTitle, titlesOf } from '../common/splits.ts'
import { type Method, methods } from './choose.ts'
import type { DirectionResult } from './evaluate.ts'
import { pixelMaps, sampleSheet } from './maps.ts'
import { type SetName, setNames } from './measure.ts'

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
  const directions = all.map(valuesOf)
  const autoregressive = all[0]!.models.semantic.kind === 'autoregressive'
  const values = { first: directions[0], aucs: aucTable(all), directions, autoregressive }
  const rows = { label: 'test images', value: `${testImages(all[0]!)} a data set` }
  return { ...wordsBeside(import.meta.url, values), rows }
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

/** What the report says and shows of one direction. */
function valuesOf(result: DirectionResult) {
  const { direction, sets, choices, evaluation, models, samples, validation } = result
  const [inside, outside] = titlesOf(direction)
  const { llr, likelihood, background } = evaluation.results
  const { difference, standardError } = evaluation.gain
  const n = testImages(result)
  const [paradox, simpler] = [likelihood.auc < 0.5, background.auc < 0.5]
  return {
    ...{ inside, outside, paradox, simpler, alike: simpler === paradox },
    kind: validation ? 'validation' : 'training',
    likelihood: aucWords(likelihood.auc, { n, ...likelihood }),
    ratio: aucWords(llr.auc, { n, ...llr }),
    f1: aucWords(llr.decided.contaminated.f1, { n }),
    oodFlagged: percentText(llr.decided.clean.recall),
    gain: `${difference < 0 ? '\u2212' : '+'} ${Math.abs(difference).toFixed(3)}`,
    gainError: standardError.toFixed(3),
    contaminatedImages: choices.contaminatedImages,
    falsePositiveRate: percentText(choices.falsePositiveRate),
    cleanImages: sets.in_distr_train.semantic.length,
    samples: samples?.shape[0],
    figures: inFolder(`${direction.checkpoint}/figures`, figuresOf(result)),
    tables: { means: meanTable(result), decisions: thresholdTable(result), models: modelTable(models, 'pixels') },
  }
}

function aucTable(all: readonly DirectionResult[]): ReportTable {
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
  return { table: [head, ...rows] }
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

function figuresOf(result: DirectionResult) {
  const { direction, sets, evaluation, maps, samples } = result
  const [inside, outside] = titlesOf(direction)
  const { scores, results } = evaluation
  const { contaminated, clean } = results.llr.decided
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
  const confusion = (name: string, title: string, at: Decisions) => {
    const subtitle = `ratio below ${signed(-at.threshold, 1)} nats is called OOD`
    const titles = { name: `confusion-${name}`, title, subtitle, xTitle: 'decision', yTitle: 'truth' }
    return confusionChart(titles, [inside, outside], at)
  }
  return {
    likelihood: charts.histogram({
      name: 'likelihood',
      title: 'Log-likelihood under the semantic model',
      xTitle: 'log p, semantic model (nats)',
      values: (set) => sets[set].semantic,
    }),
    ratio: charts.histogram({
      name: 'ratio',
      title: 'Likelihood ratio: semantic over background',
      xTitle: nats,
      values: ratio,
      marks: [
        { x: -contaminated.threshold, label: 'threshold, mixed batch' },
        { x: -clean.threshold, label: 'threshold, clean images' },
      ],
    }),
    background: charts.histogram({
      name: 'background',
      title: 'Log-likelihood under the background model',
      xTitle: 'log p, background model (nats)',
      values: (set) => sets[set].background,
    }),
    scatter: charts.scatter({
      name: 'scatter',
      title: 'The ratio against the likelihood',
      xTitle: 'log p, semantic model (nats)',
      yTitle: nats,
      x: (set) => sets[set].semantic,
      y: ratio,
      only: ['in_distr_test', 'ood'],
      thresholds: { y: -contaminated.threshold, yLabel: 'threshold of the mixed batch' },
    }),
    roc: rocChart(direction, curves),
    confusionMixed: confusion('mixed', 'Threshold from the mixed batch', contaminated),
    confusionClean: confusion('clean', 'Threshold from clean images', clean),
    maps: maps && figure('maps', pixelMaps(label, sets, maps)),
    samples: samples && figure('samples', sampleSheet(inside, samples)),
  }
}

function thresholdTable({ evaluation }: DirectionResult): ReportTable {
  const { contaminated, clean } = evaluation.results.llr.decided
  return decisionTable(
    [
      ['mixed batch', contaminated],
      ['clean images', clean],
    ],
    1,
  )
}

function meanTable(result: DirectionResult): ReportTable {
  const { sets } = result
  const label = setLabels(result)
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
