// What the example shows and says: CSVs per split, figures, tables, prose.
import { defaultScales, thresholdDimension } from '@ood/lid'
import { type ReportHighlight, shareText } from '@ood/plots'
import type { Run } from '@ood/run'
import { imageSheet, splitCharts } from '../common/charts.ts'
import type { CommonOptions } from '../common/command-line.ts'
import type { Report } from '../common/example.ts'
import type { Section } from '../common/figures.ts'
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
  return {
    title: 'The likelihood paradox, and the way out',
    intro: intro(all[0]!, n),
    rows: { label: 'images', value: `${n} a split` },
    highlights: highlights(all[0]!, n),
    sections: [aucSection(all), ...all.map(directionSection), methodSection],
  }
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

function intro({ study }: FlowResult, n: number): string {
  const { single, dual, fitted } = study.chosen
  return [
    `A normalizing flow gives every image an exact likelihood. One trained on Fashion-MNIST finds handwritten digits more likely than clothes: judged by likelihood alone, telling clothes from digits has an AUC of ${shareText(single.inDistr, { n })}, worse than a coin.`,
    `The local intrinsic dimension (LID) of the model's density around an image says why: digits lie on thinner sheets. With the LID beside the likelihood, two cuts reach ${shareText(dual.inDistr, { n })}, and one score fitted on training images alone reaches ${shareText(fitted.inDistr, { n })}.`,
  ].join('\n\n')
}

function highlights({ study, recommended: { auc, interval }, splits }: FlowResult, n: number): ReportHighlight[] {
  const { single, dual, fitted, fittedInterval } = study.chosen
  const alone = likelihoodInterval(splits.in_distr_test, splits.ood)
  return [
    aucHighlight('AUC of likelihood alone, Fashion-MNIST against MNIST', single.inDistr, { n, interval: alone }),
    aucHighlight('likelihood and LID, two cuts', dual.inDistr, { n }),
    aucHighlight('one score fitted on training images', fitted.inDistr, { n, interval: fittedInterval }),
    aucHighlight('the recommended detector of a flow alone', auc.inDistr, { n, interval }),
  ]
}

function aucSection(all: readonly FlowResult[]): Section {
  const { statistics } = all[0]!.recommended
  const rows = againstRows(all, ({ study, recommended }, side) => {
    const { single, lid, dual, dualReference, fitted, scale } = study.chosen
    const aucs = [single, lid, dual, dualReference, fitted, recommended.auc]
    return [...aucs.map((auc) => auc[side]), scale.toFixed(2)]
  })
  const cuts = ['two cuts', 'two cuts, reference rule']
  return {
    heading: 'Area under the ROC curve',
    blocks: [
      {
        table: [['', 'log p alone', 'LID alone', ...cuts, 'one fitted score', 'recommended', 'scale'], ...rows],
        caption:
          '1 is perfect, 0.5 is a coin, below 0.5 prefers the wrong data set. "Two cuts" places its two thresholds with the evaluation data in hand, as the paper does; the fitted score and "recommended" have never seen any.',
      },
      {
        text: `"Recommended" is the detector that this library recommends where a flow is the only model: the squared Mahalanobis distance of ${statistics.join(', ')} from the training images, fitted on the same images as the other scores and read from what was measured for them. Its makeup, these statistics joined by a Gaussian, was chosen on other sets of OOD images (Omniglot, grey CIFAR-10 and generated images), not on the two here. Generated images are not of the training set either: against them its AUC says only how much further out the other data set lies.`,
      },
    ],
  }
}

function directionSection({ direction, images, splits, study, lpca }: FlowResult): Section {
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
  const detector = `standardised sum of log p and LID at scale ${chosen.scale.toFixed(2)}, threshold from training images`
  return {
    heading: `Flow trained on ${inside}, against ${outside}`,
    folder: `${direction.checkpoint}/figures`,
    blocks: [
      imageSheet(direction, images, 'flow'),
      charts.histogram({
        name: 'likelihood',
        title: 'Log-likelihood under the flow',
        xTitle,
        values: (split) => logProb[split],
        caption: `Where ${outside} lies relative to ${inside} test images is what likelihood alone can use.`,
      }),
      curveChart(
        shown,
        {
          name: 'lid-curves',
          title: 'Local intrinsic dimension at every scale',
          caption:
            'LID counts the directions in which the flow stretches by more than e^scale. It falls from all 784 pixels to 0.',
        },
        { scale, label: 'fixed -3' },
      ),
      [
        lidScatter(shown, { name: 'scatter-chosen', title: `${scatter}, at the chosen scale`, xTitle }),
        lidScatter(shown, { name: 'scatter-fixed', title: `${scatter}, at the fixed scale -3`, xTitle, scale }),
      ],
      lidRocChart(shown, { caption: intervalText('fitted score', chosen.fittedInterval) }),
      calibrationChart(shown, 'calibration'),
      ruleTable(
        shown,
        'What each rule would have given. Every rule sees training images only. Which rule is the default was chosen by people who had seen such a table of 64 images (docs/tuning.md).',
      ),
      flaggedTable(direction, chosen.flagged, { model: 'flow', detector }),
    ],
  }
}

const methodSection: Section = {
  heading: 'How it is computed',
  blocks: [
    {
      text: [
        'The flow maps an image x to a latent z = f⁻¹(x). J is the Jacobian of the decoder f at z, all 784 x 784 of it, by forward-mode differentiation of the ONNX graph. LID(s) is the number of singular values of J above e^s. log p is that of the dequantised image in logit space, as the reference reports it.',
        'The scale s is the middle of the scaling region of the training images: above the knee of their mean LID curve, where the thin directions given to noise are gone, and below the scale at which LID and log p are most strongly anti-correlated ("coupling"), where LID repeats what log p says. A flow\'s log p contains the integral of its LID curve over all scales, which is why the two are tied at all.',
        'The fitted score is -(z(log p) + z(LID)), each standardised by its mean and standard deviation over the training images. Higher means more OOD.',
      ].join('\n\n'),
    },
  ],
}
