// What is shown of an LID study: curves, LID against log-likelihood, the rules' scales, ROC curves; and its tables.
import { calibrationPlot, type ReportTable } from '@ood/plots'
import { dualRoc } from '@ood/roc'
import { type Charts, curveOf, rocChart } from './charts.ts'
import { type Figure, figure } from './figures.ts'
import { FALSE_POSITIVE_RATE } from './judge.ts'
import type { LidStudy } from './lid-study.ts'
import { percentText } from './report-text.ts'
import { type Direction, dataSetTitle, mean, type SplitName, splitNames } from './splits.ts'

/** A study with what showing it takes. */
export interface ShownStudy<Rule extends string> {
  direction: Direction
  study: LidStudy<Rule>
  charts: Charts<SplitName>
  logProb: Record<SplitName, Float64Array>
  /** LID of a split at any scale. */
  lidAt(split: SplitName, scale: number): Float64Array
  ruleTitle: Record<Rule, string>
  /** Scales of the curves, and the finer ones that the rules look at. */
  curveScales: Float64Array
  ruleScales: Float64Array
  /** Model-free dimension of the training set. */
  lpca: number
}

/** LID of every row of a split over `scales`. */
export function lidCurves(lidAt: (scale: number) => Float64Array, scales: Float64Array): Float64Array[] {
  const byScale = Array.from(scales, lidAt)
  return Array.from(byScale[0]!, (_, row) => Float64Array.from(byScale, (lid) => lid[row]!))
}

/** LID at one scale against log-likelihood. */
export function lidScatter<Rule extends string>(
  { direction, charts, logProb, lidAt, study }: ShownStudy<Rule>,
  { name, title, xTitle, scale = study.chosen.scale }: Record<'name' | 'title' | 'xTitle', string> & { scale?: number },
): Figure {
  const subtitle = `${direction.title}; scale ${scale.toFixed(2)}`
  const y = (split: SplitName) => (scale === study.chosen.scale ? study.lid[split] : lidAt(split, scale))
  const yTitle = 'local intrinsic dimension'
  return charts.scatter({ name, title, subtitle, xTitle, yTitle, x: (split) => logProb[split], y })
}

/** LID curves of every split, with the chosen scale and the fixed one marked. */
export function curveChart<Rule extends string>(
  { charts, study, curveScales: scales, lidAt }: ShownStudy<Rule>,
  words: { name: string; title: string },
  fixed: { scale: number; label: string },
): Figure {
  const curves = (split: SplitName) => lidCurves((scale) => lidAt(split, scale), scales)
  return charts.curves({ ...words, scales, curves, marks: [{ scale: study.chosen.scale, label: 'chosen' }, fixed] })
}

/** Mean LID of the training images, and where each rule reads it. */
export function calibrationChart<Rule extends string>(shown: ShownStudy<Rule>, name: string, note = ''): Figure {
  const { direction, study, ruleScales, ruleTitle, lidAt, lpca } = shown
  const { rules, scales } = study.choices
  const chart = calibrationPlot({
    title: `Where each rule reads the dimension${note}`,
    subtitle: `mean LID of the training images; ${direction.title}`,
    scales: ruleScales,
    meanLid: ruleScales.map((scale) => mean(lidAt('in_distr_train', scale))),
    candidates: rules.map((rule, i) => ({ scale: scales[rule].scale, label: ruleTitle[rule], chosen: i === 0 })),
    target: { lid: lpca, label: 'lPCA of the training set' },
  })
  return figure(name, chart)
}

/** log p alone, two cuts and the fitted score, test images against OOD images. */
export function lidRocChart<Rule extends string>(
  { direction, study, logProb }: ShownStudy<Rule>,
  words: { name?: string; note?: string } = {},
): Figure {
  const { single, dual, fitted } = study.chosen
  const dualOf = (split: SplitName) => ({ x: logProb[split], y: study.lid[split] })
  const { falsePositiveRate: fpr, truePositiveRate: tpr } = dualRoc(dualOf('in_distr_test'), dualOf('ood'))
  const unlikely = (split: SplitName) => logProb[split].map((value) => -value)
  const { in_distr_test: test, ood } = study.score
  const curves = [
    curveOf('log-likelihood alone', unlikely('in_distr_test'), unlikely('ood'), single.inDistr),
    { label: 'log-likelihood and LID, two cuts', fpr, tpr, auc: dual.inDistr },
    curveOf('one fitted score', test, ood, fitted.inDistr),
  ]
  return rocChart(direction, curves, words)
}

/** What each rule would have given. */
export function ruleTable<Rule extends string>({
  study,
  ruleTitle,
}: Pick<ShownStudy<Rule>, 'study' | 'ruleTitle'>): ReportTable {
  const { rules } = study.choices
  const head = ['scale rule', 'scale', 'training LID', 'LID', 'two cuts', 'fitted', 'generated: two cuts', 'fitted']
  const rows = rules.flatMap((rule, i) => {
    const result = study.results[rule]
    if (!result) return []
    const { scale, meanTrainLid, lid, dual, fitted } = result
    const name = i === 0 ? `**${ruleTitle[rule]}** (default)` : ruleTitle[rule]
    const aucs = [lid.inDistr, dual.inDistr, fitted.inDistr, dual.generated, fitted.generated]
    return [[name, scale.toFixed(2), meanTrainLid.toFixed(0), ...aucs]]
  })
  return { table: [head, ...rows] }
}

/** Shares flagged by the deployable detector, and `more` rows with a cell a split. */
export function flaggedTable(
  direction: Direction,
  flagged: Record<SplitName, number>,
  more: readonly (readonly string[])[] = [],
): ReportTable {
  const shares = splitNames.map((name) => percentText(flagged[name]))
  return {
    table: [
      ['flagged as OOD', 'training', 'test', dataSetTitle[direction.ood], 'generated'],
      [`threshold for ${percentText(FALSE_POSITIVE_RATE)} of training images`, ...shares],
      ...more,
    ],
  }
}
