// Writes what people read: CSVs per split, figures as SVG and Vega-Lite JSON, and one self-contained report.html.

import { htmlReport, type PlotSpec, type ReportHighlight, type ReportSection, shareText } from '@ood/plots'
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
import { dataSetTitle, mean, splitNames } from '../common/splits.ts'
import { writeFigures } from '../common/write-figures.ts'
import { DEFAULT_RULE, scaleRules } from './choose.ts'
import type { MethodResult } from './evaluate.ts'
import { curvesOf, likelihoodCharts, methodCharts, methodTitle, ruleTitle, scalesOf } from './figures.ts'
import type { Options } from './options.ts'
import type { DirectionResult } from './result.ts'

/** Column names of the reference's CSVs (spec dgm 5.2). */
const column = { flipd: 'FLIPD', normalBundle: 'NormalBundleLID' } as const

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
    const specs: Record<string, PlotSpec> = Object.assign(
      likelihoodCharts(result),
      ...result.methods.map((found) => methodCharts(result, found)),
    )
    const images = imageSheet(result.direction, result.splits, 'model')
    const svg = await writeFigures(run, `${folder}/figures`, specs, { images })
    sections.push(directionSection(result, svg))
  }
  const { n, seed, dataDir, probes, scores } = options
  return run.writeText(
    'report.html',
    htmlReport({
      title: 'The likelihood paradox of diffusion models, and the way out',
      intro: intro(all, n),
      facts: factsOfRun(run, { label: 'images', value: `${n} a split` }),
      highlights: highlights(all, n),
      sections: [...sections, methodSection()],
      footer: `\`npm run example -- diffusion-lid --n ${n} --seed ${seed} --probes ${probes} --scores ${scores}\`, ${n} images a split, data: ${dataDir === undefined ? 'packaged samples' : 'official files'}.`,
    }),
  )
}

function writeSplits(run: Run<unknown>, { splits, methods }: DirectionResult, folder: string): void {
  for (const name of splitNames) {
    const { logProb, referenceLogProb } = splits[name]
    const columns: Record<string, Float64Array> = { likelihood: logProb, referenceLikelihood: referenceLogProb }
    for (const { method, lid, score } of methods) {
      columns[column[method]] = lid[name]
      columns[`${column[method]}OodScore`] = score[name]
    }
    run.writeCsv(`${folder}/${name}`, columns)
    for (const { method } of methods)
      run.writeTrend(`${folder}/${name}-${method}`, scalesOf(method, splits[name]), curvesOf(method, splits[name]))
  }
}

function intro(all: readonly DirectionResult[], n: number): string {
  const { single, dual, fitted } = all[0]!.methods[0]!.chosen
  return [
    `A diffusion model assigns a likelihood to every image through its probability-flow ODE. Trained on Fashion-MNIST, it finds handwritten digits more likely than clothes: judged by likelihood alone, telling clothes from digits has an AUC of ${shareText(single.inDistr, { n })}.`,
    `FLIPD reads the local intrinsic dimension (LID) off the model's score with one derivative, without a Jacobian. With it beside the likelihood, two cuts reach ${shareText(dual.inDistr, { n })}, and one score fitted on training images alone reaches ${shareText(fitted.inDistr, { n })}.`,
  ].join('\n\n')
}

function highlights(all: readonly DirectionResult[], n: number): ReportHighlight[] {
  const { methods, splits } = all[0]!
  const { single, dual, fitted, fittedInterval } = methods[0]!.chosen
  const alone = likelihoodInterval(splits.in_distr_test, splits.ood)
  return [
    aucHighlight('AUC of likelihood alone, Fashion-MNIST against MNIST', single.inDistr, { n, interval: alone }),
    aucHighlight('likelihood and FLIPD, two cuts', dual.inDistr, { n }),
    aucHighlight('one score fitted on training images', fitted.inDistr, { n, interval: fittedInterval }),
  ]
}

function aucSection(all: readonly DirectionResult[]): ReportSection {
  const rows = all.flatMap(({ direction, methods, referenceSingle }) =>
    (['inDistr', 'generated'] as const).flatMap((side) =>
      methods.map(({ method, chosen, seconds }) => {
        const { single, lid, dual, fitted, scale } = chosen
        const inside = side === 'inDistr' ? `${dataSetTitle[direction.inDistribution]} test images` : 'generated images'
        return [
          `${inside} against ${dataSetTitle[direction.ood]}`,
          methodTitle[method],
          referenceSingle[side],
          single[side],
          lid[side],
          dual[side],
          fitted[side],
          scale.toFixed(2),
          seconds === null ? '-' : seconds.toFixed(2),
        ]
      }),
    ),
  )
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

function directionSection(result: DirectionResult, svg: Record<string, string>): ReportSection {
  const { direction, splits, methods } = result
  const inside = dataSetTitle[direction.inDistribution]
  const outside = dataSetTitle[direction.ood]
  const means = (values: (name: (typeof splitNames)[number]) => Float64Array) =>
    splitNames.map((name) => mean(values(name)).toFixed(0))
  return {
    heading: `Model trained on ${inside}, against ${outside}`,
    blocks: [
      {
        svg: svg.images!,
        caption: 'The first images of each split. Generated images are samples of the model itself.',
      },
      { figures: [{ svg: svg.likelihood! }, { svg: svg['likelihood-reference']! }] },
      {
        table: [
          ['mean', 'training', 'test', outside, 'generated'],
          ['log p (nats)', ...means((name) => splits[name].logProb)],
          ['log p, published recipe', ...means((name) => splits[name].referenceLogProb)],
          ...methods.map(({ method, lid }) => [`LID, ${methodTitle[method]}`, ...means((name) => lid[name])]),
        ],
        caption:
          'The published recipe takes ten equal Euler steps; its first one adds about 561 nats for every direction normal to the data, so it counts codimensions more than it measures likelihood.',
      },
      ...methods.flatMap((found) => methodBlocks(result, found, svg)),
    ],
  }
}

function methodBlocks({ direction }: DirectionResult, found: MethodResult, svg: Record<string, string>) {
  const { method, results, chosen, standardError } = found
  const { flagged, fittedInterval, scale } = chosen
  const probes = standardError > 0 ? ` Mean standard error of an LID from its probes: ${standardError.toFixed(1)}.` : ''
  return [
    { svg: svg[`${method}-curves`]!, caption: 'Mean and spread over the images of each split.' },
    { figures: [{ svg: svg[`${method}-scatter`]! }, { svg: svg[`${method}-roc`]! }] },
    { text: `${intervalText('fitted score', fittedInterval)}${probes}` },
    { svg: svg[`${method}-calibration`]!, caption: 'Every rule sees training images only.' },
    {
      table: [
        ['scale rule', 'scale', 'training LID', 'LID', 'two cuts', 'fitted', 'generated: two cuts', 'fitted'],
        ...scaleRules.flatMap((rule) => {
          const result = results[rule]
          if (!result) return []
          const { scale, meanTrainLid, lid, dual, fitted } = result
          const name = rule === DEFAULT_RULE ? `**${ruleTitle[rule]}** (default)` : ruleTitle[rule]
          return [
            [
              name,
              scale.toFixed(2),
              meanTrainLid.toFixed(0),
              lid.inDistr,
              dual.inDistr,
              fitted.inDistr,
              dual.generated,
              fitted.generated,
            ],
          ]
        }),
      ],
      caption: `What each rule would have given with ${methodTitle[method]}. The default has its reason in the identity below.`,
    },
    {
      table: [
        ['flagged as OOD', 'training', 'test', dataSetTitle[direction.ood], 'generated'],
        [
          `threshold for ${percentText(FALSE_POSITIVE_RATE)} of training images`,
          percentText(flagged.in_distr_train),
          percentText(flagged.in_distr_test),
          percentText(flagged.ood),
          percentText(flagged.generated),
        ],
      ],
      caption: `The deployable detector: the smaller of the standardised log p and LID at scale ${scale.toFixed(2)}, threshold from training images. ${samplesText('model', dataSetTitle[direction.inDistribution], { test: flagged.in_distr_test, generated: flagged.generated })}`,
    },
  ]
}

function methodSection(): ReportSection {
  return {
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
}
