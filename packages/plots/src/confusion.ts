// A confusion matrix: how many of each kind were called what.
import { mismatch } from '@ood/core'
import { checkLabels, checkLength } from './internal/check.ts'
import { framed, frameSize } from './internal/frame.ts'
import type { PlotFrame, PlotSpec } from './spec.ts'

/** Options of `confusionPlot`. */
export interface ConfusionOptions extends PlotFrame {
  /** The K kinds, for example `in-distribution` and `OOD`. */
  labels: readonly string[]
  /** `counts[i][j]`: items that are of kind i and were called kind j. */
  counts: readonly (readonly number[])[]
  xTitle?: string | undefined
  yTitle?: string | undefined
}

/**
 * A confusion matrix, one row for each true kind. Cells hold the count and its share of the row, and are the darker the
 * larger that share.
 *
 * @throws OodError `E_EMPTY` for no kinds, `E_ARGUMENT` for equal labels or counts that are no whole numbers >= 0,
 *   `E_SHAPE` unless there are K x K counts
 * @example
 * confusionPlot({ title: 'At the inferred threshold', labels: ['clothes', 'digits'], counts: [[91, 9], [11, 89]] })
 */
export function confusionPlot(options: ConfusionOptions): PlotSpec {
  const { labels, counts, xTitle = 'decision', yTitle = 'truth' } = options
  checkLabels('confusion labels', labels)
  checkLength('confusion counts', labels.length, counts)
  const size = frameSize(options, 130 * labels.length, 74 * labels.length)
  const cells = counts.flatMap((row, i) => {
    checkLength(`confusion counts[${i}]`, labels.length, row)
    const wrong = row.find((count) => !(Number.isSafeInteger(count) && count >= 0))
    if (wrong !== undefined) throw mismatch('E_ARGUMENT', `confusion counts[${i}]`, 'whole numbers >= 0', wrong)
    const total = row.reduce((sum, count) => sum + count, 0)
    return row.map((count, j) => {
      const share = total > 0 ? count / total : 0
      return {
        is: labels[i]!,
        called: labels[j]!,
        share,
        count: grouped(count),
        percent: `${(100 * share).toFixed(1)} %`,
      }
    })
  })
  const axis = (field: string, title: string, side: object) => ({
    field,
    type: 'nominal',
    title,
    sort: null,
    scale: { domain: labels, padding: 0 },
    axis: { ...side, labelAngle: 0, domain: false, ticks: false, labelLimit: 0, grid: false },
  })
  const x = axis('called', xTitle, { orient: 'top' })
  const y = axis('is', yTitle, {})
  const text = (field: string, dy: number, look: object) => ({
    mark: { type: 'text', dy, ...look },
    encoding: {
      x,
      y,
      text: { field },
      color: { condition: { test: 'datum.share > 0.6', value: '#ffffff' }, value: '#212121' },
    },
  })
  return framed(
    options,
    size,
    [],
    [
      {
        mark: { type: 'rect', stroke: '#ffffff', strokeWidth: 3 },
        encoding: {
          x,
          y,
          color: {
            field: 'share',
            type: 'quantitative',
            scale: { domain: [0, 1], range: ['#eef3f7', '#00598c'], interpolate: 'lab' },
            legend: null,
          },
        },
      },
      text('count', -9, { fontSize: 18, fontWeight: 'bold' }),
      text('percent', 13, { fontSize: 12 }),
    ].map((layer) => ({ data: { values: cells }, ...layer })),
  )
}

/** 12345 as `12 345`, with spaces that do not break. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, '\u00a0')
}
