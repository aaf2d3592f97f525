// What the example shows: CSVs per split, figures, tables and the numbers of its words, which are in report.md.
import { linspace } from '@ood/lid'
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
import { byName, mean, type SplitName, splitNames, titlesOf } from '../common/splits.ts'
import { type Method, ruleScales, type ScaleRuleName } from './choose.ts'
import { curveScales, type DirectionResult, type MethodResult } from './diffusion-study.ts'

const methodTitle: Record<Method, string> = { flipd: 'FLIPD', normalBundle: 'normal bundle' }

const ruleTitle: Record<ScaleRuleName, string> = {
  scalingRegion: 'scaling region',
  knee: 'knee',
  coupling: 'coupling',
  lpca: 'lPCA target',
  fixed: 'published constant',
}

/** Column names of the reference's CSVs. */
const column: Record<Method, string> = { flipd: 'FLIPD', normalBundle: 'NormalBundleLID' }

/** Scales of a method's curves in figures and CSVs. */
const shownScales: Record<Method, Float64Array> = { flipd: curveScales, normalBundle: linspace(-8, 1, 46) }

export function report(all: readonly DirectionResult[], { n }: CommonOptions): Report {
  const values = { first: firstWords(all[0]!, n), aucs: aucTable(all), directions: all.map(valuesOf) }
  return { ...wordsBeside(import.meta.url, values), rows: { label: 'images', value: `${n} a split` } }
}

export function files(run: Run<unknown>, all: readonly DirectionResult[]): void {
  for (const { direction, splits, methods } of all)
    for (const split of splitNames) {
      const folder = `${direction.checkpoint}/${split}`
      const { logProb, referenceLogProb } = splits[split]
      const columns: Record<string, Float64Array> = { likelihood: logProb, referenceLikelihood: referenceLogProb }
      for (const { method, study } of methods) {
        columns[column[method]] = study.lid[split]
        columns[`${column[method]}OodScore`] = study.score[split]
      }
      run.writeCsv(folder, columns)
      for (const { method, lidAt } of methods) {
        const curves = lidCurves((scale) => lidAt(split, scale), shownScales[method])
        run.writeTrend(`${folder}-${method}`, shownScales[method], curves)
      }
    }
}

/** What is said first: FLIPD in the first direction. */
function firstWords({ methods, splits }: DirectionResult, n: number) {
  const { single, dual, fitted, fittedInterval } = methods[0]!.study.chosen
  const interval = likelihoodInterval(splits.in_distr_test, splits.ood)
  return {
    likelihood: aucWords(single.inDistr, { n, interval }),
    dual: aucWords(dual.inDistr, { n }),
    fitted: aucWords(fitted.inDistr, { n, interval: fittedInterval }),
  }
}

function aucTable(all: readonly DirectionResult[]): ReportTable {
  const byMethod = all[0]!.methods.map((_, m) =>
    againstRows(all, ({ methods, referenceSingle }, side) => {
      const { method, study, seconds } = methods[m]!
      const { single, lid, dual, fitted, scale } = study.chosen
      const aucs = [referenceSingle, single, lid, dual, fitted].map((auc) => auc[side])
      return [methodTitle[method], ...aucs, scale.toFixed(2), seconds.toFixed(2)]
    }),
  )
  // Both methods of a pair of data sets one below the other.
  const rows = byMethod[0]!.flatMap((_, i) => byMethod.map((ofMethod) => ofMethod[i]!))
  const head = ['', 'LID by', 'published log p', 'log p', 'LID', 'two cuts', 'fitted', 'scale', 's/image']
  return { table: [head, ...rows] }
}

/** What the report says and shows of one direction. */
function valuesOf({ direction, images, splits, methods, lpca }: DirectionResult) {
  const [inside, outside] = titlesOf(direction)
  const folder = `${direction.checkpoint}/figures`
  const logProb = byName(splitNames, (split) => splits[split].logProb)
  const charts = splitCharts(direction, 'model', logProb.ood.length)
  const means = (title: string, values: (split: SplitName) => Float64Array) => [
    title,
    ...splitNames.map((split) => mean(values(split)).toFixed(0)),
  ]
  return {
    ...{ inside, outside },
    figures: inFolder(folder, {
      images: imageSheet(direction, images, 'model'),
      likelihood: charts.histogram({
        name: 'likelihood',
        title: 'Log-likelihood under the diffusion model',
        xTitle: 'log-likelihood (nats, noise of one grey level)',
        values: (split) => logProb[split],
      }),
      published: charts.histogram({
        name: 'likelihood-reference',
        title: 'What the published ten-step recipe calls log-likelihood',
        xTitle: 'sum of ten Euler steps (nats)',
        values: (split) => splits[split].referenceLogProb,
      }),
    }),
    means: {
      table: [
        ['mean', 'training', 'test', outside, 'generated'],
        means('log p (nats)', (split) => logProb[split]),
        means('log p, published recipe', (split) => splits[split].referenceLogProb),
        ...methods.map(({ method, study }) => means(`LID, ${methodTitle[method]}`, (split) => study.lid[split])),
      ],
    },
    methods: methods.map((found) => {
      const { method, study, lidAt } = found
      const scales = { curveScales: shownScales[method], ruleScales: ruleScales[method] }
      return methodValues(found, { direction, study, charts, logProb, lidAt, ruleTitle, lpca, ...scales }, folder)
    }),
  }
}

/** What the report says and shows of one LID method in one direction. */
function methodValues(
  { method, study, standardError }: MethodResult,
  shown: ShownStudy<ScaleRuleName>,
  folder: string,
) {
  const { flagged, fittedInterval, scale } = study.chosen
  const title = methodTitle[method]
  const published = { scale: study.choices.scales.fixed.scale, label: 'published' }
  return {
    ...{ title, scale: scale.toFixed(2) },
    interval: intervalText('fitted score', fittedInterval),
    standardError: standardError > 0 && standardError.toFixed(1),
    samples: samplesText('model', titlesOf(shown.direction)[0], flagged),
    figures: inFolder(folder, {
      curves: curveChart(
        shown,
        { name: `${method}-curves`, title: `Local intrinsic dimension by ${title}` },
        published,
      ),
      scatter: lidScatter(shown, {
        name: `${method}-scatter`,
        title: `LID by ${title} against log-likelihood`,
        xTitle: 'log-likelihood (nats)',
      }),
      roc: lidRocChart(shown, { name: `${method}-roc`, note: ` (${title})` }),
      calibration: calibrationChart(shown, `${method}-calibration`, ` (${title})`),
    }),
    tables: { rules: ruleTable(shown), flagged: flaggedTable(shown.direction, flagged) },
  }
}
