// What the example shows: CSVs per split, figures, tables and the numbers of its words, which are in report.md.
import { defaultScales, thresholdDimension } from '@ood/lid'
import type { ReportTable } from '@ood/plots'
import type { Run } from '@ood/run'
import { imageSheet, splitCharts } from '../common/charts.ts'
import type { CommonOptions } from '../common/command-line.ts'
import { type Report, wordsBeside } from '../common/example.ts'
import { inFolder } from '../common/figures.ts'
import {
  calibrationChart,
  curveChart,
  flaggedTable,
  lidCurves,
  lidRocChart,
  lidScatter,
  ruleTable,
  type ShownStudy,
} from '../common/lid-charts.ts'
import { againstRows, aucWords, intervalText, likelihoodInterval, samplesText } from '../common/report-text.ts'
import { byName, type SplitName, splitNames, titlesOf } from '../common/splits.ts'
import { ruleScales, type ScaleRuleName } from './choose.ts'
import type { FlowResult } from './flow-study.ts'

const ruleTitle: Record<ScaleRuleName, string> = {
  scalingRegion: 'scaling region',
  coupling: 'coupling',
  lpca: 'lPCA target',
  knee: 'knee',
  plateau: 'plateau',
  fixed: 'fixed -3',
}

/** Scales of the curves in figures and CSVs: the reference's grid. */
const curveScales = defaultScales()

export function report(all: readonly FlowResult[], { n }: CommonOptions): Report {
  const first = all[0]!
  const values = {
    first: firstWords(first, n),
    statistics: first.recommended.statistics.join(', '),
    aucs: aucTable(all),
    directions: all.map(valuesOf),
  }
  return { ...wordsBeside(import.meta.url, values), rows: { label: 'images', value: `${n} a split` } }
}

/** CSVs with the reference's column names. */
export function files(run: Run<unknown>, all: readonly FlowResult[]): void {
  for (const { direction, splits, study } of all)
    for (const split of splitNames) {
      const { logProb, bitsPerDim, artifact } = splits[split]
      const [JacobianThresholdLID, oodScore] = [study.lid[split], study.score[split]]
      const folder = `${direction.checkpoint}/${split}`
      run.writeCsv(folder, { likelihood: logProb, JacobianThresholdLID, bitsPerDim, oodScore })
      const curves = lidCurves((scale) => thresholdDimension(artifact, scale), curveScales)
      run.writeTrend(folder, curveScales, curves)
    }
}

/** What is said first, of the first direction. */
function firstWords({ study, recommended: { auc, interval }, splits }: FlowResult, n: number) {
  const { single, dual, fitted, fittedInterval } = study.chosen
  const alone = likelihoodInterval(splits.in_distr_test, splits.ood)
  return {
    likelihood: aucWords(single.inDistr, { n, interval: alone }),
    dual: aucWords(dual.inDistr, { n }),
    fitted: aucWords(fitted.inDistr, { n, interval: fittedInterval }),
    recommended: aucWords(auc.inDistr, { n, interval }),
  }
}

function aucTable(all: readonly FlowResult[]): ReportTable {
  const rows = againstRows(all, ({ study, recommended }, side) => {
    const { single, lid, dual, dualReference, fitted, scale } = study.chosen
    const aucs = [single, lid, dual, dualReference, fitted, recommended.auc]
    return [...aucs.map((auc) => auc[side]), scale.toFixed(2)]
  })
  const cuts = ['two cuts', 'two cuts, reference rule']
  return { table: [['', 'log p alone', 'LID alone', ...cuts, 'one fitted score', 'recommended', 'scale'], ...rows] }
}

/** What the report says and shows of one direction. */
function valuesOf({ direction, images, splits, study, lpca }: FlowResult) {
  const [inside, outside] = titlesOf(direction)
  const { chosen, choices } = study
  const { scale } = choices.scales.fixed
  const logProb = byName(splitNames, (split) => splits[split].logProb)
  const charts = splitCharts(direction, 'flow', logProb.ood.length)
  const lidAt = (split: SplitName, scale: number) => thresholdDimension(splits[split].artifact, scale)
  const shown: ShownStudy<ScaleRuleName> = {
    ...{ direction, study, charts, logProb, lidAt, ruleTitle, curveScales, ruleScales, lpca },
  }
  const xTitle = 'log-likelihood (nats, logit space)'
  const scatter = 'LID against log-likelihood'
  return {
    ...{ inside, outside, scale: chosen.scale.toFixed(2) },
    interval: intervalText('fitted score', chosen.fittedInterval),
    samples: samplesText('flow', inside, chosen.flagged),
    figures: inFolder(`${direction.checkpoint}/figures`, {
      images: imageSheet(direction, images, 'flow'),
      likelihood: charts.histogram({
        name: 'likelihood',
        title: 'Log-likelihood under the flow',
        xTitle,
        values: (split) => logProb[split],
      }),
      curves: curveChart(
        shown,
        { name: 'lid-curves', title: 'Local intrinsic dimension at every scale' },
        { scale, label: 'fixed -3' },
      ),
      scatterChosen: lidScatter(shown, { name: 'scatter-chosen', title: `${scatter}, at the chosen scale`, xTitle }),
      scatterFixed: lidScatter(shown, {
        name: 'scatter-fixed',
        title: `${scatter}, at the fixed scale -3`,
        ...{ xTitle, scale },
      }),
      roc: lidRocChart(shown),
      calibration: calibrationChart(shown, 'calibration'),
    }),
    tables: { rules: ruleTable(shown), flagged: flaggedTable(direction, chosen.flagged) },
  }
}
