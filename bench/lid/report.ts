// From the log to results.csv, results.md and the plots.

import { writeFileSync } from 'node:fs'
import { mean } from '@ood/core'
import { renderSvg } from '@ood/plots'
import { machine } from '../machine.ts'
import { errorHeatmap, rankingPlot } from './figures.ts'
import { interval } from './score.ts'
import type { Cell, Group, Logged, Outcome } from './types.ts'

const METRICS = ['mae', 'mse', 'relativeBias', 'concordance', 'ms'] as const
const shown = (value: number, digits = 3): string =>
  Number.isFinite(value) ? (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(digits)) : '-'
const spread = (values: number[], digits = 3): string => {
  const { mean, half } = interval(values)
  return Number.isNaN(half) ? shown(mean, digits) : `${shown(mean, digits)} ± ${shown(half, 2)}`
}
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')

/** Writes everything that the log can say into `out`. */
export async function writeReport(out: string, lines: readonly Logged[], seeds: number): Promise<void> {
  const groups = grouped(lines)
  writeFileSync(`${out}/results.csv`, csv(groups))
  const free = complete(groups.filter(({ suite }) => suite === 'model-free'))
  const [ranking, heatmap] = [rankingPlot(free), errorHeatmap(free)]
  if (ranking) writeFileSync(`${out}/ranking.svg`, await renderSvg(ranking))
  if (heatmap) writeFileSync(`${out}/relative-error.svg`, await renderSvg(heatmap))
  const { cpu, cores, node } = machine()
  const loads = lines.map(({ load }) => load).sort((a, b) => a - b)
  const text = [
    '# LID benchmark',
    `\`npm run bench:lid\`; ${lines.length} cells on ${cores} cores of ${cpu}, Node ${node.slice(1)}. The load average while they ran had median ${shown(loads[loads.length >> 1] ?? Number.NaN, 2)} and maximum ${shown(loads.at(-1) ?? Number.NaN, 2)}: above ${cores}, times are upper bounds and say little. Intervals are 95 % (Student's t) over ${seeds} seeds; one seed is other points and, for mixtures, another geometry. Every number is in \`results.csv\`, every cell in \`log.jsonl\`.`,
    modelFreeSection(free),
    modelSection(groups.filter(({ suite }) => suite === 'model')),
    imageSection(groups.filter(({ suite }) => suite === 'images')),
  ]
  writeFileSync(`${out}/results.md`, `${text.filter((part) => part !== '').join('\n\n')}\n`)
}

function grouped(lines: readonly Logged[]): Group[] {
  const groups = new Map<string, Group>()
  // Of several checkpoints under one name the last one measured is shown.
  const latest = new Map<string, string | undefined>()
  const subject = ({ suite, set, estimator, settings }: Cell): string =>
    JSON.stringify([suite, set, estimator, settings])
  for (const { cell } of lines) latest.set(subject(cell), cell.model)
  for (const { cell, outcome, error } of lines) {
    if (latest.get(subject(cell)) !== cell.model) continue
    const { suite, set, estimator, settings, n, queries } = cell
    const key = JSON.stringify([suite, set, estimator, settings, n, queries])
    const group = groups.get(key) ?? { suite, set, estimator, settings, n, queries, outcomes: [] }
    if (outcome) group.outcomes.push(outcome)
    if (error !== undefined) group.error = error.replace(/^\w+: /, '')
    groups.set(key, group)
  }
  return [...groups.values()]
}

/**
 * Groups cut to the seeds that nine tenths of them have, so that every seed's mean is over the same sets. An estimator
 * that refused a set stays, without outcomes.
 */
function complete(groups: readonly Group[]): Group[] {
  const ran = groups.filter((g) => g.outcomes.length > 0)
  let seeds = 1
  while (ran.filter((g) => g.outcomes.length > seeds).length >= 0.9 * ran.length && ran.length > 0) seeds += 1
  return groups
    .filter((g) => g.outcomes.length >= seeds || (g.outcomes.length === 0 && g.error !== undefined))
    .map((g) => ({ ...g, outcomes: g.outcomes.slice(0, seeds) }))
}

function csv(groups: readonly Group[]): string {
  const head = ['suite', 'set', 'estimator', 'settings', 'n', 'queries', 'seeds', 'mean_lid', 'mean_truth']
  for (const metric of METRICS) head.push(metric, `${metric}_half_width_95`)
  head.push('rank_correlation_png', 'rank_correlation_low', 'rank_correlation_high', 'error')
  const rows = groups.map((group) => {
    const { suite, set, estimator, settings, n, queries, outcomes, error } = group
    const number = (value: number | undefined): string =>
      value === undefined || !Number.isFinite(value) ? '' : String(Number(value.toPrecision(8)))
    const of = (pick: (o: Outcome) => number | undefined): number[] =>
      outcomes.map(pick).filter((v): v is number => v !== undefined)
    const cells = [suite, set, `"${estimator}"`, `"${settings}"`, n, queries, outcomes.length]
    cells.push(number(mean(of((o) => o.meanLid))), number(mean(of((o) => o.meanTruth))))
    for (const metric of METRICS) {
      const { mean, half } = interval(of((o) => o[metric] ?? Number.NaN))
      cells.push(number(mean), number(half))
    }
    const correlation = outcomes[0]?.rankCorrelation
    cells.push(number(correlation?.value), number(correlation?.low), number(correlation?.high))
    cells.push(`"${(error ?? '').replaceAll('"', "'")}"`)
    return cells.join(',')
  })
  return `${[head.join(','), ...rows].join('\n')}\n`
}

/** Names in order of first appearance. */
const names = (groups: readonly Group[], of: 'estimator' | 'set'): string[] => [...new Set(groups.map((g) => g[of]))]

function modelFreeSection(groups: readonly Group[]): string {
  if (groups.length === 0) return ''
  const sets = names(groups, 'set')
  const mixed = new Set(
    groups.filter((g) => Object.keys(g.outcomes[0]?.byDimension ?? {}).length > 1).map((g) => g.set),
  )
  const most = Math.max(...groups.map((g) => g.outcomes.length))
  const ranked = names(groups, 'estimator')
    .map((estimator) => {
      const mine = groups.filter((g) => g.estimator === estimator && g.outcomes.length > 0)
      // One number a seed: the mean over sets. Its spread over seeds is the interval.
      const over = (metric: (typeof METRICS)[number], of: readonly Group[]): number[] =>
        Array.from({ length: most }, (_, s) => of.flatMap((g) => g.outcomes[s]?.[metric] ?? [])).flatMap((values) =>
          values.length > 0 ? [mean(values)] : [],
        )
      const refused = groups.filter((g) => g.estimator === estimator && g.outcomes.length === 0).map((g) => g.set)
      const bias = over(
        'relativeBias',
        mine.filter((g) => !('0' in (g.outcomes[0]?.byDimension ?? {}))),
      )
      const cells = [
        estimator,
        mine[0]?.settings ?? '',
        spread(over('mae', mine)),
        spread(over('mse', mine)),
        spread(bias),
        estimator.endsWith('(set)')
          ? '-'
          : spread(
              over(
                'concordance',
                mine.filter((g) => mixed.has(g.set)),
              ),
            ),
        spread(
          over('ms', mine).map((ms) => ms / (mine[0]?.queries ?? 1)),
          2,
        ),
        refused.length === 0 ? '' : refused.join(', '),
      ]
      return { estimator, cells, bias: mean(bias) }
    })
    .sort((a, b) => a.bias - b.bias)
  const { n, queries } = groups[0]!
  const head = [
    'estimator',
    'settings',
    'MAE',
    'MSE',
    'relative error',
    'concordance',
    'ms a point',
    'not finite or refused on',
  ]
  const detail = sets.map((set) => {
    const here = groups.filter((g) => g.set === set)
    const truth = Object.keys(here.find((g) => g.outcomes.length > 0)?.outcomes[0]?.byDimension ?? {}).join(', ')
    const maes = ranked.map(({ estimator }) => {
      const found = here.find((g) => g.estimator === estimator)
      return found && found.outcomes.length > 0 ? shown(mean(found.outcomes.map((o) => o.mae))) : '-'
    })
    return [set, truth, ...maes]
  })
  return `## Model-free estimators

${n} points a set, judged at ${queries} of them; ${sets.length} sets. Means over sets, sorted by relative error (mean |estimate - d| / d; sets with points of dimension 0 left out of it). Concordance is over the ${mixed.size} sets with several dimensions. One number for a whole set agrees with every order, so it has none. Neighbour search is in every time: nothing is shared between estimators. Intervals are over ${most} seeds.

${table(
  head,
  ranked.map(({ cells }) => cells),
)}

![relative error](ranking.svg)

### MAE on every set

${table(['set', 'd', ...ranked.map(({ estimator }) => estimator)], detail)}

![relative error of every estimator on every set](relative-error.svg)`
}

function modelSection(groups: readonly Group[]): string {
  if (groups.length === 0) return ''
  const parts = names(groups, 'set').map((set) => {
    const here = groups.filter((g) => g.set === set && g.outcomes.length > 0)
    const dimensions = [...new Set(here.flatMap((g) => Object.keys(g.outcomes[0]!.byDimension)))]
    const rows = here.map((g) => [
      g.estimator,
      g.settings,
      ...dimensions.map((d) => spread(g.outcomes.flatMap((o) => o.byDimension[d] ?? []))),
      spread(g.outcomes.map((o) => o.mae)),
      spread(g.outcomes.map((o) => o.concordance)),
      shown(mean(g.outcomes.map((o) => o.ms)) / g.queries, 2),
    ])
    const head = [
      'estimator',
      'settings',
      ...dimensions.map((d) => `mean where d = ${d}`),
      'MAE',
      'concordance',
      'ms a point',
    ]
    return `### ${set}, ${here[0]?.queries} fresh points a seed\n\n${table(head, rows)}`
  })
  return `## Model-based estimators

Shipped checkpoints on fresh points of the manifold they were trained on (the geometry is that of training; a seed is other points). Flows were trained with Gaussian noise of deviation 0.01 on standardised points.

${parts.join('\n\n')}`
}

function imageSection(groups: readonly Group[]): string {
  const here = groups.filter((g) => g.outcomes.length > 0)
  if (here.length === 0) return ''
  const sets = names(here, 'set')
  const methods = [...new Map(here.map((g) => [`${g.estimator} ${g.settings}`, g])).values()]
  const rows = methods.map(({ estimator, settings }) => {
    const cells = sets.flatMap((set) => {
      const found = here.find((g) => g.set === set && g.estimator === estimator && g.settings === settings)
      const outcome = found?.outcomes[0]
      if (!found || !outcome) return ['-', '-', '-', '-']
      const r = outcome.rankCorrelation
      const correlation = r ? `${r.value.toFixed(2)} [${r.low.toFixed(2)}, ${r.high.toFixed(2)}]` : '-'
      return [String(found.queries), shown(outcome.meanLid), correlation, shown(outcome.ms / found.queries, 2)]
    })
    return [estimator, settings, ...cells]
  })
  const head = [
    'estimator',
    'settings',
    ...sets.flatMap((set) => [`${set}: images`, 'mean LID', 'rank correlation with PNG', 'ms an image']),
  ]
  return `## Real images

The dimension of test images in the packaged samples (model-free: neighbours among 512 test and 512 training images, values in [0, 1], no dequantisation; models: dequantised as they were trained), and Spearman's correlation over images with the size of a PNG, with the 95 % interval of 1000 bootstrap draws. The PNG is the smallest of six: one row filter for all rows or the adaptive choice, zlib at level 9. The true dimension is unknown; 1024 images are few, so these are lower than on the whole sets.

${table(head, rows)}`
}
