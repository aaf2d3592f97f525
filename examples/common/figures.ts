// Figures that the image examples share: ROC curves of the three ways to decide, and the first images of every split.
import { type NdArray, rowCount, sliceRows } from '@ood/core'
import type { LogProbLid } from '@ood/lid'
import { imageGrid, type PlotSpec, rocPlot } from '@ood/plots'
import { dualRoc, rocCurve } from '@ood/roc'
import type { Comparison } from './compare.ts'
import { type Direction, dataSetTitle, type SplitName, splitLabels, splitNames } from './splits.ts'

/** One side of a ROC figure: pairs, and their fitted scores (higher = more OOD). */
export interface ScoredPairs extends LogProbLid {
  score: Float64Array
}

/** log p alone, two cuts and the fitted score, test images against OOD images. */
export function rocFigure(
  direction: Direction,
  { test, ood }: { test: ScoredPairs; ood: ScoredPairs },
  { single, dual, fitted }: Comparison,
  note = '',
): PlotSpec {
  const one = rocCurve(test.logProb, ood.logProb)
  const two = dualRoc({ x: test.logProb, y: test.lid }, { x: ood.logProb, y: ood.lid })
  const sum = rocCurve(
    test.score.map((value) => -value),
    ood.score.map((value) => -value),
  )
  const curve = (label: string, roc: typeof one | typeof two, auc: number) => ({
    label,
    fpr: roc.falsePositiveRate,
    tpr: roc.truePositiveRate,
    auc,
  })
  return rocPlot({
    title: `Accepting test images, rejecting the other data set${note}`,
    subtitle: direction.title,
    curves: [
      curve('log-likelihood alone', one, single.inDistr),
      curve('log-likelihood and LID, two cuts', two, dual.inDistr),
      curve('one fitted score', sum, fitted.inDistr),
    ],
    xTitle: `share of ${dataSetTitle[direction.ood]} accepted`,
    yTitle: `share of ${dataSetTitle[direction.inDistribution]} accepted`,
  })
}

/** The first images of every split as one sheet; `model` is what generated the last split. */
export function imageSheet(
  direction: Direction,
  splits: Record<SplitName, { images: NdArray }>,
  model: string,
): string {
  const label = splitLabels(direction, model)
  return imageGrid({
    title: `What the four splits look like (${direction.title})`,
    range: [0, 255],
    groups: splitNames.map((name) => {
      const { images } = splits[name]
      return { label: label[name], images: sliceRows(images, 0, Math.min(32, rowCount(images))) }
    }),
  })
}
