// What the example shows and says: CSVs per split, figures, tables, prose.
import { linspace } from '@ood/lid'
import { type ReportHighlight, shareText } from '@ood/plots'
import type { Run } from '@ood/run'
import { imageSheet, splitCharts } from '../common/charts.ts'
import type { CommonOptions } from '../common/command-line.ts'
import type { Report } from '../common/example.ts'
import type { Block, Section } from '../common/figures.ts'
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
import { againstRows, aucHighlight, intervalText, likelihoodInterval } from '../common/report-text.ts'
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
  return {
    title: 'The likelihood paradox of diffusion models, and the way out',
    intro: intro(all[0]!, n),
    rows: { label: 'images', value: `${n} a split` },
    highlights: highlights(all[0]!, n),
    sections: [aucSection(all), ...all.map(directionSection), methodSection],
  }
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

function intro({ methods }: DirectionResult, n: number): string {
  const { single, dual, fitted } = methods[0]!.study.chosen
  return [
    `A diffusion model assigns a likelihood to every image through its probability-flow ODE. Trained on Fashion-MNIST, it finds handwritten digits more likely than clothes: judged by likelihood alone, telling clothes from digits has an AUC of ${shareText(single.inDistr, { n })}.`,
    `FLIPD reads the local intrinsic dimension (LID) off the model's score with one derivative, without a Jacobian. With it beside the likelihood, two cuts reach ${shareText(dual.inDistr, { n })}, and one score fitted on training images alone reaches ${shareText(fitted.inDistr, { n })}.`,
  ].join('\n\n')
}

function highlights({ methods, splits }: DirectionResult, n: number): ReportHighlight[] {
  const { single, dual, fitted, fittedInterval } = methods[0]!.study.chosen
  const alone = likelihoodInterval(splits.in_distr_test, splits.ood)
  return [
    aucHighlight('AUC of likelihood alone, Fashion-MNIST against MNIST', single.inDistr, { n, interval: alone }),
    aucHighlight('likelihood and FLIPD, two cuts', dual.inDistr, { n }),
    aucHighlight('one score fitted on training images', fitted.inDistr, { n, interval: fittedInterval }),
  ]
}

function aucSection(all: readonly DirectionResult[]): Section {
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
  return {
    heading: 'Area under the ROC curve',
    blocks: [
      {
        table: [['', 'LID by', 'published log p', 'log p', 'LID', 'two cuts', 'fitted', 'scale', 's/image'], ...rows],
        caption:
          '1 is perfect, 0.5 is a coin, below 0.5 prefers the wrong data set. "Published log p" is the ten-step recipe\'s, "log p" and "LID" are each alone. "Two cuts" places its two thresholds with the evaluation data in hand, as the paper does; "fitted" is one score that has never seen any. Seconds are those of LID at one scale on all workers.',
      },
    ],
  }
}

function directionSection({ direction, images, splits, methods, lpca }: DirectionResult): Section {
  const [inside, outside] = titlesOf(direction)
  const logProb = byName(splitNames, (split) => splits[split].logProb)
  const charts = splitCharts(direction, 'model', logProb.ood.length)
  const shown = methods.map(({ method, study, lidAt }): ShownStudy<ScaleRuleName> => {
    const [curveScales, scales] = [shownScales[method], ruleScales[method]]
    return { direction, study, charts, logProb, lidAt, ruleTitle, curveScales, ruleScales: scales, lpca }
  })
  const means = (values: (split: SplitName) => Float64Array) =>
    splitNames.map((split) => mean(values(split)).toFixed(0))
  return {
    heading: `Model trained on ${inside}, against ${outside}`,
    folder: `${direction.checkpoint}/figures`,
    blocks: [
      imageSheet(direction, images, 'model'),
      [
        charts.histogram({
          name: 'likelihood',
          title: 'Log-likelihood under the diffusion model',
          xTitle: 'log-likelihood (nats, noise of one grey level)',
          values: (split) => splits[split].logProb,
        }),
        charts.histogram({
          name: 'likelihood-reference',
          title: 'What the published ten-step recipe calls log-likelihood',
          xTitle: 'sum of ten Euler steps (nats)',
          values: (split) => splits[split].referenceLogProb,
        }),
      ],
      {
        table: [
          ['mean', 'training', 'test', outside, 'generated'],
          ['log p (nats)', ...means((split) => splits[split].logProb)],
          ['log p, published recipe', ...means((split) => splits[split].referenceLogProb)],
          ...methods.map(({ method, study }) => [`LID, ${methodTitle[method]}`, ...means((split) => study.lid[split])]),
        ],
        caption:
          'The published recipe takes ten equal Euler steps; its first one adds about 561 nats for every direction normal to the data, so it counts codimensions more than it measures likelihood.',
      },
      ...methods.flatMap((found, m) => methodBlocks(found, shown[m]!)),
    ],
  }
}

function methodBlocks({ method, study, standardError }: MethodResult, shown: ShownStudy<ScaleRuleName>): Block[] {
  const { flagged, fittedInterval, scale } = study.chosen
  const title = methodTitle[method]
  const published = { scale: study.choices.scales.fixed.scale, label: 'published' }
  const probes = standardError > 0 ? ` Mean standard error of an LID from its probes: ${standardError.toFixed(1)}.` : ''
  const detector = `the smaller of the standardised log p and LID at scale ${scale.toFixed(2)}, threshold from training images`
  return [
    curveChart(
      shown,
      {
        name: `${method}-curves`,
        title: `Local intrinsic dimension by ${title}`,
        caption: 'Mean and spread over the images of each split.',
      },
      published,
    ),
    [
      lidScatter(shown, {
        name: `${method}-scatter`,
        title: `LID by ${title} against log-likelihood`,
        xTitle: 'log-likelihood (nats)',
      }),
      lidRocChart(shown, { name: `${method}-roc`, note: ` (${title})` }),
    ],
    { text: `${intervalText('fitted score', fittedInterval)}${probes}` },
    calibrationChart(shown, `${method}-calibration`, ` (${title})`),
    ruleTable(
      shown,
      `What each rule would have given with ${title}. The default has its reason in the identity below.`,
    ),
    flaggedTable(shown.direction, flagged, { model: 'model', detector }),
  ]
}

const methodSection: Section = {
  heading: 'How it is computed',
  blocks: [
    {
      text: [
        "The network gives σ(t) times the score s = ∇ log p_t. log p is integrated along the probability-flow ODE in log noise level by Dormand-Prince with error control, from noise of about one grey level; the trace of the score's Jacobian is estimated with Rademacher probes.",
        'FLIPD is D + σ²(tr ∇s + |s|²) at μ(t) x: the rate at which the noised log-density changes with the noise. One scale costs one trace. The normal bundle takes the scores of many noised copies of an image and counts their small singular values.',
        'Scales are logs of a noise level, τ = σ/μ. The scale is where LID and log p of the training images are most strongly anti-correlated (the finest that cannot be told from it): the log-density is the integral of D - FLIPD over all coarser scales, and this is the scale that says most of it.',
        'The fitted score is -min(z(log p), z(LID)), each standardised by its mean and standard deviation over the training images: the two cuts as one number. Higher means more OOD.',
      ].join('\n\n'),
    },
  ],
}
