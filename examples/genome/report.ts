// What the example shows: CSVs per split, figures, tables and the numbers of its words, which are in report.md.
import { mean } from '@ood/core'
import { type ReportTable, rocPlot, shareText } from '@ood/plots'
import type { Decisions } from '@ood/roc'
import type { Run } from '@ood/run'
import { chartsOf, confusionChart, curveOf } from '../common/charts.ts'
import { decisionTable, signed } from '../common/decisions.ts'
import { type Report, wordsBeside } from '../common/example.ts'
import { type Figure, figure } from '../common/figures.ts'
import { modelTable } from '../common/model-facts.ts'
import { aucWords, rangeText } from '../common/report-text.ts'
import { type Method, methods, OUTLIER_PERCENTAGE, scoresOf } from './choose.ts'
import { type SplitName, splitNames } from './data.ts'
import { baseMaps, WINDOW } from './maps.ts'
import type { Result } from './result.ts'

const methodTitle: Record<Method, string> = {
  ratio: 'likelihood ratio',
  likelihood: 'log-likelihood alone',
  background: 'background model alone',
  gc: 'G and C content alone',
}

const splitTitle: Record<SplitName, string> = {
  val_in: 'in distribution, validation',
  val_ood: 'OOD classes of validation',
  test_in: 'in distribution, test',
  test_ood: 'OOD classes of test',
}

export function report(result: Result): Report {
  const { measured, evaluation, choices, models, real, splits } = result
  const { gain, exact } = evaluation
  const n = Math.min(measured.test_in.lstm.score.length, measured.test_ood.lstm.score.length)
  const words = (method: Method) => {
    const of = evaluation.results[method]
    return { ...aucWords(of.auc, { n, ...of }), gcCorrelation: signed(of.gcCorrelation, 2) }
  }
  const cost = (auc: number | null) => exact && auc !== null && signed(exact.ratio - auc)
  const [inside, outside] = choices.batch
  const values = {
    ...{ n, real, coding: splits.test_in.coding !== undefined, window: WINDOW },
    likelihood: words('likelihood'),
    ratio: words('ratio'),
    gain: signed(gain.difference),
    gainError: gain.standardError.toFixed(3),
    exact: exact && {
      auc: shareText(exact.ratio),
      semanticCost: cost(exact.semanticNetwork),
      backgroundCost: cost(exact.backgroundNetwork),
      mutationCost: cost(exact.bestMutated),
    },
    batch: { inside, outside, normal: 100 - OUTLIER_PERCENTAGE, outliers: OUTLIER_PERCENTAGE },
    figures: figuresOf(result),
    tables: {
      scores: scoreTable(result),
      decisions: thresholdTable(result),
      models: modelTable(models, 'bases'),
      means: meanTable(result),
    },
  }
  return { ...wordsBeside(import.meta.url, values), rows: { label: 'test sequences', value: `${n} a side` } }
}

export function files(run: Run<unknown>, { measured, splits }: Result): void {
  for (const split of splitNames) {
    const { lstm, exact } = measured[split]
    run.writeCsv(split, {
      likelihood: lstm.semantic,
      backgroundLikelihood: lstm.background,
      oodScore: lstm.score,
      gcContent: splits[split].gcContent,
      label: splits[split].labels,
      ...(exact && { exactLikelihood: exact.semantic, exactOodScore: exact.score }),
    })
  }
}

function figuresOf(result: Result) {
  const { splits, measured, evaluation, length } = result
  const { results, scores } = evaluation
  const { normal, reference, clean } = results.ratio.decided
  const charts = chartsOf<SplitName>(
    [
      { set: 'val_in', name: 'in_distr_train', label: splitTitle.val_in },
      { set: 'test_in', name: 'in_distr_test', label: splitTitle.test_in },
      { set: 'test_ood', name: 'ood', label: splitTitle.test_ood },
    ],
    { subtitle: `sequences of ${length} bases`, rows: scores.test_in.ratio.length, yTitle: 'share of sequences' },
  )
  const likelihood = {
    xTitle: 'mean log p of a base (nats)',
    values: (split: SplitName) => measured[split].lstm.semantic,
  }
  const ratio: typeof likelihood = {
    xTitle: 'mean log ratio of a base (nats)',
    values: (split: SplitName) => scores[split].ratio.map((score) => -score),
  }
  const againstGc = (name: string, title: string, { xTitle: yTitle, values }: typeof likelihood) =>
    charts.scatter({
      ...{ name, title, xTitle: 'G and C content', yTitle, maxPoints: 600, only: ['test_in', 'test_ood'] },
      x: (split) => splits[split].gcContent,
      y: values,
    })
  const confusion = (name: string, title: string, at: Decisions) => {
    const subtitle = `ratio below ${signed(-at.threshold, 4)} nats a base is called OOD`
    const words = { name: `confusion-${name}`, title, subtitle, xTitle: 'called', yTitle: 'is' }
    return confusionChart(words, ['known', 'unknown'], at)
  }
  return {
    likelihood: charts.histogram({
      name: 'likelihood',
      title: 'Log-likelihood under the semantic model',
      ...likelihood,
    }),
    ratio: charts.histogram({
      name: 'ratio',
      title: 'Likelihood ratio: semantic over background',
      ...ratio,
      marks: [
        { x: -normal.threshold, label: 'mixed batch' },
        { x: -clean.threshold, label: 'in distribution' },
      ],
    }),
    roc: rocFigure(result),
    confusionNormal: confusion('normal', 'Percentile 70: the normal share', normal),
    confusionReference: confusion('reference', 'Percentile 30: the outlier share', reference),
    gcLikelihood: againstGc('gc-likelihood', 'The likelihood follows the G and C content', likelihood),
    gcRatio: againstGc('gc-ratio', 'The ratio follows it far less', ratio),
    maps: figure('maps', baseMaps(result)),
  }
}

function rocFigure({ splits, measured, evaluation, length }: Result): Figure {
  const { results, scores, exact } = evaluation
  const shown: Method[] = ['likelihood', 'ratio', 'background']
  const ideal = (split: SplitName) => scoresOf(measured[split].exact!, splits[split].gcContent).ratio
  const curves = shown.map((method) =>
    curveOf(methodTitle[method], scores.test_in[method], scores.test_ood[method], results[method].auc),
  )
  const ofExact = exact && curveOf('ratio of the exact models', ideal('test_in'), ideal('test_ood'), exact.ratio)
  const chart = rocPlot({
    title: 'Accepting known classes, rejecting unknown ones',
    subtitle: `sequences of ${length} bases`,
    curves: ofExact ? [...curves, ofExact] : curves,
    xTitle: 'share of unknown classes accepted',
    yTitle: 'share of known classes accepted',
  })
  return figure('roc', chart)
}

/** Every score on the test splits, and what the pairs with exact models reach. */
function scoreTable({ evaluation: { results, exact } }: Result): ReportTable {
  const head = ['score', 'AUC, test', '95 % interval', 'AUC, validation', 'correlation with extreme G and C content']
  const networks = methods.map((method) => {
    const { auc, interval, validation, gcCorrelation } = results[method]
    return [methodTitle[method], auc, rangeText(interval), validation, signed(gcCorrelation, 2)]
  })
  if (!exact) return { table: [head, ...networks] }
  const exactRows: [title: string, auc: number | null, gcCorrelation?: string][] = [
    ['semantic network, exact background', exact.semanticNetwork],
    ['exact semantic model, background network', exact.backgroundNetwork],
    ['exact semantic model, near-ideal model of mutated sequences', exact.bestMutated],
    ['both models exact', exact.ratio, signed(exact.gcCorrelation, 2)],
    ['likelihood of the exact model', exact.likelihood],
  ]
  const known = exactRows.flatMap(([title, auc, correlation = '']) =>
    auc === null ? [] : [[title, auc, '', '', correlation]],
  )
  return { table: [head, ...networks, ...known] }
}

function thresholdTable({ evaluation, choices }: Result): ReportTable {
  const { normal, reference, clean } = evaluation.results.ratio.decided
  return decisionTable(
    [
      [`mixed validation batch, ${100 - OUTLIER_PERCENTAGE} % normal`, normal],
      [`the same, percentile ${OUTLIER_PERCENTAGE}`, reference],
      [`${(100 * choices.falsePositiveRate).toFixed(1)} % of known validation sequences flagged`, clean],
    ],
    4,
  )
}

function meanTable({ measured }: Result): ReportTable {
  const head = ['mean log p of a base (nats)', 'semantic', 'background', 'exact semantic', 'exact background']
  const rows = splitNames.map((split) => {
    const { lstm, exact } = measured[split]
    const means = [lstm.semantic, lstm.background, exact?.semantic, exact?.background]
    return [splitTitle[split], ...means.map((values) => (values ? signed(mean(values), 4) : '-'))]
  })
  return { table: [head, ...rows] }
}
