// The plots of the benchmark as Vega-Lite specifications.
import { mean } from '@ood/core'
import type { PlotSpec } from '@ood/plots'
import { interval } from './score.ts'
import type { Group } from './types.ts'

const FONT = 'DejaVu Sans, Helvetica, Arial, sans-serif'
const frame = { $schema: 'https://vega.github.io/schema/vega-lite/v6.json', background: '#ffffff', padding: 8 }
const config = {
  font: FONT,
  aria: false,
  view: { stroke: null },
  title: { anchor: 'start', frame: 'group', fontSize: 14 },
}

/** Sets whose every point has a positive dimension: a relative error is defined there. */
const relative = (groups: readonly Group[]): Group[] =>
  groups.filter((g) => g.outcomes.length > 0 && !('0' in g.outcomes[0]!.byDimension))

function ordered(groups: readonly Group[]): string[] {
  const of = (name: string): number =>
    mean(groups.filter((g) => g.estimator === name).map((g) => mean(g.outcomes.map((o) => o.relativeBias))))
  return [...new Set(groups.map((g) => g.estimator))].sort((a, b) => of(a) - of(b))
}

/** Relative error of each estimator, mean over sets, with its interval over seeds. */
export function rankingPlot(all: readonly Group[]): PlotSpec | undefined {
  const groups = relative(all)
  if (groups.length === 0) return undefined
  const seeds = Math.max(...groups.map((g) => g.outcomes.length))
  const order = ordered(groups)
  const values = order.map((estimator) => {
    const mine = groups.filter((g) => g.estimator === estimator)
    const means = Array.from({ length: seeds }, (_, s) => mine.flatMap((g) => g.outcomes[s]?.relativeBias ?? []))
    const { mean: centre, half } = interval(means.filter((list) => list.length > 0).map(mean))
    return { estimator, mean: centre, low: centre - (half || 0), high: centre + (half || 0) }
  })
  const y = { field: 'estimator', type: 'nominal', sort: order, title: null }
  const x = {
    field: 'mean',
    type: 'quantitative',
    title: 'relative error |estimate - d| / d, mean over sets',
    scale: { zero: true },
  }
  return {
    ...frame,
    config,
    title: { text: 'Which model-free estimator comes nearest the true dimension' },
    width: 480,
    height: { step: 20 },
    data: { values },
    layer: [
      { mark: { type: 'rule', color: '#555555' }, encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' } } },
      { mark: { type: 'point', filled: true, size: 60, color: '#0072B2' }, encoding: { y, x } },
    ],
  } as PlotSpec
}

/** Relative error of every estimator on every set, cut at 1. */
export function errorHeatmap(all: readonly Group[]): PlotSpec | undefined {
  const groups = relative(all)
  if (groups.length === 0) return undefined
  const values = groups.map((g) => ({
    set: g.set,
    estimator: g.estimator,
    error: Math.min(1, mean(g.outcomes.map((o) => o.relativeBias))),
  }))
  return {
    ...frame,
    config: { ...config, view: { ...config.view, fill: '#d9d9d9' } },
    title: { text: 'Relative error by set: where each estimator fails', subtitle: 'grey: not finite, or refused' },
    width: { step: 26 },
    height: { step: 16 },
    data: { values },
    mark: 'rect',
    encoding: {
      x: {
        field: 'estimator',
        type: 'nominal',
        sort: ordered(groups),
        title: null,
        axis: { labelAngle: -50, labelLimit: 220 },
      },
      y: {
        field: 'set',
        type: 'nominal',
        sort: [...new Set(groups.map((g) => g.set))],
        title: null,
        axis: { labelLimit: 300 },
      },
      color: {
        field: 'error',
        type: 'quantitative',
        title: 'error (1 and more)',
        scale: { domain: [0, 1], range: ['#f7fbff', '#08306b'] },
      },
    },
  } as PlotSpec
}
