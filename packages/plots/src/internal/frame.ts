// What every chart has in common: size, title, fonts, legend, the colours of its series.

import type { PlotFrame, PlotSpec } from '../spec.ts'
import { seriesStyle } from '../splits.ts'
import { checkLabels } from './check.ts'
import { textWidth, wrapText } from './text-width.ts'

/** Fonts tried in order, first the one whose widths we know. */
export const FONT = 'DejaVu Sans, Helvetica, Arial, sans-serif'

const TITLE = 15
const TEXT = 12
const ink = '#222222'
const quiet = '#555555'

/** Size of a chart's inner rectangle. */
export interface Size {
  width: number
  height: number
}

/** The inner size of a chart, from its options and the default of its kind. */
export function frameSize(frame: PlotFrame, width = 520, height = 260): Size {
  return { width: frame.width ?? width, height: frame.height ?? height }
}

/** Puts layers into the common frame. `notes` are lines under the title. */
export function framed(frame: PlotFrame, size: Size, notes: readonly string[], layers: readonly object[]): PlotSpec {
  const lines = (text: string, fontSize: number, bold = false) => wrapText(text, size.width, fontSize, bold)
  const subtitle = [frame.subtitle, ...notes].flatMap((note) => (note ? lines(note, TEXT) : []))
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    ...(frame.title && { description: frame.title }),
    ...size,
    padding: 8,
    background: '#ffffff',
    ...(frame.title && {
      title: { text: lines(frame.title, TITLE, true), ...(subtitle.length > 0 && { subtitle }) },
    }),
    layer: layers,
    config: {
      aria: false,
      font: FONT,
      view: { stroke: null },
      title: {
        anchor: 'start',
        frame: 'group',
        fontSize: TITLE,
        fontWeight: 'bold',
        color: ink,
        subtitleFontSize: TEXT,
        subtitleColor: quiet,
        subtitlePadding: 4,
        lineHeight: TITLE + 4,
        subtitleLineHeight: TEXT + 4,
        offset: 12,
      },
      axis: {
        labelFontSize: TEXT,
        titleFontSize: TEXT,
        titleFontWeight: 'normal',
        titleColor: ink,
        labelColor: quiet,
        titlePadding: 8,
        labelPadding: 4,
        tickSize: 4,
        gridColor: '#e6e6e6',
        domainColor: '#999999',
        tickColor: '#999999',
        labelOverlap: 'greedy',
        labelSeparation: 6,
      },
      axisX: { grid: false, tickCount: 7 },
      axisY: { domain: false, ticks: false, tickCount: 5 },
      legend: { labelFontSize: TEXT, labelColor: ink, labelLimit: 0, title: null, orient: 'bottom', offset: 10 },
    },
  } as PlotSpec
}

/** Encoding channels that give each series its colour, and the legend they share. */
interface SeriesChannels {
  labels: string[]
  color: object
  strokeDash: object
  shape: object
}

/**
 * Colour, dash and shape channels over the field `series`, with one legend below the chart, laid out in as many columns
 * as fit its width.
 */
export function seriesChannels(
  what: string,
  series: readonly { name: string; label?: string }[],
  width: number,
  symbol: 'line' | 'point',
  columns?: number,
): SeriesChannels {
  const styles = series.map((item, i) => seriesStyle(item, i))
  const labels = styles.map(({ label }) => label)
  checkLabels(what, labels)
  // A column is as wide as its widest label with the symbol and the gaps around it.
  const column = Math.max(...labels.map((label) => textWidth(label, TEXT))) + (symbol === 'line' ? 52 : 36)
  const total = labels.reduce((sum, label) => sum + textWidth(label, TEXT) + (symbol === 'line' ? 52 : 36), 0)
  const fitting =
    columns ?? (total <= width + 40 ? labels.length : Math.max(1, Math.min(2, Math.floor(width / column))))
  const legend = {
    columns: fitting,
    symbolOpacity: 1,
    ...(symbol === 'line'
      ? { symbolType: 'stroke', symbolSize: 700, symbolStrokeWidth: 2.5 }
      : { symbolSize: 70, symbolStrokeWidth: 0 }),
  }
  const channel = (range: readonly unknown[]) => ({
    field: 'series',
    type: 'nominal',
    scale: { domain: labels, range },
    sort: null,
    legend,
  })
  return {
    labels,
    color: channel(styles.map((style) => style.color)),
    strokeDash: channel(styles.map((style) => (style.dash.length ? style.dash : [1, 0]))),
    shape: channel(styles.map((style) => style.shape)),
  }
}
