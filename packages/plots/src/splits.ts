// The four monitored splits of an experiment and how each is drawn: always the same colour, dash and symbol.

/** Colour, dash pattern and point symbol of one series. */
export interface SeriesStyle {
  color: string
  /** Lengths of strokes and gaps in pixels; empty for a solid line. */
  dash: readonly number[]
  shape: string
}

/** One named series: `name` chooses the style, `label` is what the legend says (default: a label of the split). */
export interface Series {
  /** A split (`in_distr_train`, `in_distr_test`, `ood`, `generated`) or any other name. */
  name: string
  label?: string
}

// Okabe and Ito's colours for every kind of colour vision; dashes and symbols say the same thing a second time.
const splits: Readonly<Record<string, SeriesStyle & { label: string }>> = {
  in_distr_train: { label: 'training', color: '#0072B2', dash: [5, 3], shape: 'circle' },
  in_distr_test: { label: 'test', color: '#2B9BDC', dash: [], shape: 'square' },
  ood: { label: 'out-of-distribution', color: '#D55E00', dash: [], shape: 'triangle-up' },
  generated: { label: 'generated', color: '#009E73', dash: [2, 2], shape: 'diamond' },
}

const others: readonly SeriesStyle[] = [
  { color: '#0072B2', dash: [], shape: 'circle' },
  { color: '#D55E00', dash: [], shape: 'triangle-up' },
  { color: '#009E73', dash: [6, 3], shape: 'diamond' },
  { color: '#AA4499', dash: [2, 2], shape: 'cross' },
  { color: '#B07800', dash: [8, 3, 2, 3], shape: 'square' },
  { color: '#555555', dash: [4, 4], shape: 'triangle-down' },
]

/** The style and label of a series; `index` is its place among the series of the plot. */
export function seriesStyle(series: Series, index: number): SeriesStyle & { label: string } {
  const split = Object.hasOwn(splits, series.name) ? splits[series.name]! : undefined
  const style = split ?? others[index % others.length]!
  return { ...style, label: series.label ?? split?.label ?? series.name }
}
