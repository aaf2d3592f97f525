// ROC curves of several scores in one square, each named with its area.
import { mismatch } from '@ood/core'
import { checkLength, checkNumber, checkNumbers } from './internal/check.ts'
import { framed, frameSize, seriesChannels } from './internal/frame.ts'
import { roundedText } from './share.ts'
import type { PlotFrame, PlotSpec } from './spec.ts'

/** One ROC curve. */
export interface RocCurve {
  /** What gave the scores, for example `likelihood alone`. */
  label: string
  /** False positive rates, ascending from 0 to 1. */
  fpr: ArrayLike<number>
  /** True positive rates at the same thresholds. */
  tpr: ArrayLike<number>
  /** Area under the curve, shown in the legend; one that is not quite 1 reads `> 0.999`. */
  auc?: number
}

/** Options of `rocPlot`. */
export interface RocOptions extends PlotFrame {
  curves: readonly RocCurve[]
  xTitle?: string | undefined
  yTitle?: string | undefined
}

/**
 * ROC curves over the diagonal of a guess. Points on a straight line between their neighbours are left out, which
 * changes no pixel and keeps files of thousands of thresholds small.
 *
 * @throws OodError `E_EMPTY`, `E_SHAPE`, `E_NOT_FINITE`, or `E_ARGUMENT` for rates outside [0, 1] or descending ones
 * @example
 * rocPlot({ title: 'One threshold or two', curves: [{ label: 'likelihood alone', fpr, tpr, auc: 0.291 }] })
 */
export function rocPlot(options: RocOptions): PlotSpec {
  const size = frameSize(options, 340, 340)
  for (const { label, fpr, tpr, auc } of options.curves) {
    checkRates(`roc ${label} fpr`, fpr)
    checkRates(`roc ${label} tpr`, tpr)
    checkLength(`roc ${label} tpr`, fpr.length, tpr)
    if (auc !== undefined) checkNumber(`roc ${label} auc`, auc)
  }
  const named = options.curves.map(({ label, auc }) => ({
    name: label,
    label: auc === undefined ? label : `${label}: AUC ${roundedText(auc, 3)}`,
  }))
  const channels = seriesChannels('roc', named, size.width, 'line', 1)
  const rows = options.curves.flatMap((curve, k) =>
    corners(curve).map((point, order) => ({ ...point, order, series: channels.labels[k]! })),
  )
  const axis = (field: string, title: string) => ({
    field,
    type: 'quantitative',
    title,
    scale: { domain: [0, 1], nice: false },
    axis: { grid: true, tickCount: 5, format: '.0%' },
  })
  const x = axis('fpr', options.xTitle ?? 'out-of-distribution images accepted')
  const y = axis('tpr', options.yTitle ?? 'in-distribution images accepted')
  return framed(
    options,
    size,
    [],
    [
      {
        data: {
          values: [
            { fpr: 0, tpr: 0 },
            { fpr: 1, tpr: 1 },
          ],
        },
        mark: { type: 'line', color: '#999999', strokeWidth: 1, strokeDash: [3, 3] },
        encoding: { x, y },
      },
      {
        data: { values: rows },
        mark: { type: 'line', strokeWidth: 2.4 },
        encoding: {
          x,
          y,
          color: channels.color,
          strokeDash: channels.strokeDash,
          order: { field: 'order', type: 'quantitative' },
        },
      },
    ],
  )
}

function checkRates(what: string, rates: ArrayLike<number>): void {
  checkNumbers(what, rates)
  for (let i = 0; i < rates.length; i++) {
    const rate = rates[i]!
    if (rate < 0 || rate > 1) throw mismatch('E_ARGUMENT', `${what}[${i}]`, 'a rate in [0, 1]', rate)
    if (i > 0 && rate < rates[i - 1]!) throw mismatch('E_ARGUMENT', `${what}[${i}]`, 'ascending rates', rate)
  }
}

/** The points of a curve where its direction changes, and its two ends. */
function corners({ fpr, tpr }: RocCurve): { fpr: number; tpr: number }[] {
  const kept: { fpr: number; tpr: number }[] = []
  for (let i = 0; i < fpr.length; i++) {
    const point = { fpr: fpr[i]!, tpr: tpr[i]! }
    const [a, b] = kept.slice(-2)
    const cross = a && b && (b.fpr - a.fpr) * (point.tpr - a.tpr) - (b.tpr - a.tpr) * (point.fpr - a.fpr)
    if (cross !== undefined && Math.abs(cross) < 1e-12) kept.pop()
    kept.push(point)
  }
  return kept
}
