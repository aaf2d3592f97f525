// Writes what people read: CSVs per split, figures as SVG and Vega-Lite JSON, and one self-contained report.html.

import { scorePairs, thresholdDimension } from '@ood/lid'
import { htmlReport, type ReportHighlight, type ReportSection, shareText } from '@ood/plots'
import type { Run } from '@ood/run'
import { FALSE_POSITIVE_RATE } from '../common/compare.ts'
import { imageSheet } from '../common/figures.ts'
import {
  aucHighlight,
  factsOfRun,
  intervalText,
  likelihoodInterval,
  percentText,
  samplesText,
} from '../common/report-text.ts'
import { dataSetTitle, splitNames } from '../common/splits.ts'
import { writeFigures } from '../common/write-figures.ts'
import { scaleRules } from './choose.ts'
import { charts, curveScales, curvesOf, ruleTitle } from './figures.ts'
import type { Options } from './options.ts'
import { DEFAULT_RULE, type DirectionResult } from './result.ts'

/** Writes every output file but `summary.json`; returns the path of the report. */
export async function writeReport(
  run: Run<unknown>,
  all: readonly DirectionResult[],
  options: Options,
): Promise<string> {
  const sections: ReportSection[] = [aucSection(all)]
  for (const result of all) {
    const folder = result.direction.checkpoint
    writeSplits(run, result, folder)
    const images = imageSheet(result.direction, result.splits, 'flow')
    const svg = await writeFigures(run, `${folder}/figures`, charts(result), { images })
    sections.push(directionSection(result, svg))
  }
  return run.writeText(
    'report.html',
    htmlReport({
      title: 'The likelihood paradox, and the way out',
      intro: intro(all, options.n),
      facts: factsOfRun(run, { label: 'images', value: `${options.n} a split` }),
      highlights: highlights(all, options.n),
      sections: [...sections, methodSection()],
      footer: `\`npm run example -- likelihood-paradox --n ${options.n} --seed ${options.seed}\`, ${options.n} images a split, data: ${options.dataDir === undefined ? 'packaged samples' : 'official files'}.`,
    }),
  )
}

/** CSVs with the reference's column names (spec dgm 5.2). */
function writeSplits(run: Run<unknown>, result: DirectionResult, folder: string): void {
  const { scale } = result.results[DEFAULT_RULE]
  for (const name of splitNames) {
    const { logProb, bitsPerDim, artifact } = result.splits[name]
    const lid = thresholdDimension(artifact, scale)
    const ood = scorePairs({ logProb, lid }, result.choices.detectors[DEFAULT_RULE])
    run.writeCsv(`${folder}/${name}`, { likelihood: logProb, JacobianThresholdLID: lid, bitsPerDim, oodScore: ood })
    run.writeTrend(`${folder}/${name}`, curveScales, curvesOf(result, name))
  }
}

function intro(all: readonly DirectionResult[], n: number): string {
  const { single, dual, fitted } = all[0]!.results[DEFAULT_RULE]
  return [
    `A normalizing flow gives every image an exact likelihood. One trained on Fashion-MNIST finds handwritten digits more likely than clothes: judged by likelihood alone, telling clothes from digits has an AUC of ${shareText(single.inDistr, { n })}, worse than a coin.`,
    `The local intrinsic dimension (LID) of the model's density around an image says why: digits lie on thinner sheets. With the LID beside the likelihood, two cuts reach ${shareText(dual.inDistr, { n })}, and one score fitted on training images alone reaches ${shareText(fitted.inDistr, { n })}.`,
  ].join('\n\n')
}

function highlights(all: readonly DirectionResult[], n: number): ReportHighlight[] {
  const { results, recommended, splits } = all[0]!
  const { single, dual, fitted, fittedInterval } = results[DEFAULT_RULE]
  const alone = likelihoodInterval(splits.in_distr_test, splits.ood)
  return [
    aucHighlight('AUC of likelihood alone, Fashion-MNIST against MNIST', single.inDistr, { n, interval: alone }),
    aucHighlight('likelihood and LID, two cuts', dual.inDistr, { n }),
    aucHighlight('one score fitted on training images', fitted.inDistr, { n, interval: fittedInterval }),
    aucHighlight('the recommended detector of a flow alone', recommended.auc.inDistr, {
      n,
      interval: recommended.interval,
    }),
  ]
}

function aucSection(all: readonly DirectionResult[]): ReportSection {
  const rows = all.flatMap(({ direction, results, recommended }) =>
    (['inDistr', 'generated'] as const).map((side) => {
      const { single, lid, dual, dualReference, fitted, scale } = results[DEFAULT_RULE]
      const inside = side === 'inDistr' ? `${dataSetTitle[direction.inDistribution]} test images` : 'generated images'
      return [
        `${inside} against ${dataSetTitle[direction.ood]}`,
        single[side],
        lid[side],
        dual[side],
        dualReference[side],
        fitted[side],
        recommended.auc[side],
        scale.toFixed(2),
      ]
    }),
  )
  return {
    heading: 'Area under the ROC curve',
    blocks: [
      {
        table: [
          [
            '',
            'log p alone',
            'LID alone',
            'two cuts',
            'two cuts, reference rule',
            'one fitted score',
            'recommended',
            'scale',
          ],
          ...rows,
        ],
        caption:
          '1 is perfect, 0.5 is a coin, below 0.5 prefers the wrong data set. "Two cuts" places its two thresholds with the evaluation data in hand, as the paper does; the fitted score and "recommended" have never seen any.',
      },
      { text: recommendedText(all[0]!) },
    ],
  }
}

function recommendedText({ recommended: { statistics } }: DirectionResult): string {
  return `"Recommended" is the detector that this library recommends where a flow is the only model: the squared Mahalanobis distance of ${statistics.join(', ')} from the training images, fitted on the same images as the other scores and read from what was measured for them. Its makeup, these statistics joined by a Gaussian, was chosen on other sets of OOD images (Omniglot, grey CIFAR-10 and generated images), not on the two here. Generated images are not of the training set either: against them its AUC says only how much further out the other data set lies.`
}

function directionSection(
  { direction, choices, results }: DirectionResult,
  svg: Record<string, string>,
): ReportSection {
  const inside = dataSetTitle[direction.inDistribution]
  const outside = dataSetTitle[direction.ood]
  const { flagged, fittedInterval } = results[DEFAULT_RULE]
  return {
    heading: `Flow trained on ${inside}, against ${outside}`,
    blocks: [
      { svg: svg.images!, caption: 'The first images of each split. Generated images are samples of the flow itself.' },
      {
        svg: svg.likelihood!,
        caption: `Where ${outside} lies relative to ${inside} test images is what likelihood alone can use.`,
      },
      {
        svg: svg['lid-curves']!,
        caption:
          'LID counts the directions in which the flow stretches by more than e^scale. It falls from all 784 pixels to 0.',
      },
      { figures: [{ svg: svg['scatter-chosen']! }, { svg: svg['scatter-fixed']! }] },
      {
        svg: svg.roc!,
        caption: intervalText('fitted score', fittedInterval),
      },
      { svg: svg.calibration!, caption: 'Every rule sees training images only.' },
      {
        table: [
          [
            'scale rule',
            'scale',
            'mean training LID',
            'two cuts',
            'one fitted score',
            'generated, two cuts',
            'generated, fitted',
          ],
          ...scaleRules.map((rule) => {
            const { scale, meanTrainLid, dual, fitted } = results[rule]
            const name = rule === DEFAULT_RULE ? `**${ruleTitle[rule]}** (default)` : ruleTitle[rule]
            return [
              name,
              scale.toFixed(2),
              meanTrainLid.toFixed(0),
              dual.inDistr,
              fitted.inDistr,
              dual.generated,
              fitted.generated,
            ]
          }),
        ],
        caption:
          'What each rule would have given. Every rule sees training images only. Which rule is the default was chosen by people who had seen such a table of 64 images (docs/tuning.md).',
      },
      {
        table: [
          ['flagged as OOD', 'training', 'test', outside, 'generated'],
          [
            `threshold for ${percentText(FALSE_POSITIVE_RATE)} of training images`,
            percentText(flagged.in_distr_train),
            percentText(flagged.in_distr_test),
            percentText(flagged.ood),
            percentText(flagged.generated),
          ],
        ],
        caption: `The deployable detector: standardised sum of log p and LID at scale ${choices.scales[DEFAULT_RULE].scale.toFixed(2)}, threshold from training images. ${samplesText('flow', inside, { test: flagged.in_distr_test, generated: flagged.generated })}`,
      },
    ],
  }
}

function methodSection(): ReportSection {
  return {
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
}
