// The picture of the example: the evidence base by base, as strips along the sequences.
import { ascending, flatData, quantile, tensor } from '@ood/core'
import { mapGrid } from '@ood/plots'
import { signed } from '../common/decisions.ts'
import type { BaseRatios } from './measure.ts'
import type { Result } from './result.ts'

const testSplits = ['test_in', 'test_ood'] as const

/** Bases that the smoothed strips average over. */
export const WINDOW = 21

/** Log ratio of every base of a few sequences: as it is, averaged over neighbours, and where the coding stretches are. */
export function baseMaps({ splits, evaluation, maps }: Pick<Result, 'splits' | 'evaluation' | 'maps'>): string {
  const steps = maps.test_in.shape[1]!
  const strips: { values: Float64Array; hatch: boolean }[] = []
  const groups: { label: string; rows: number }[] = []
  const notes: string[][] = []
  const reach = quantile(ascending(flatData(maps.test_in).map(Math.abs)), 0.9) || 1
  // Averages are far smaller than single bases: each kind of strip is scaled to use the colours.
  const smooth = testSplits.flatMap((split) => rowsOf(maps[split]).flatMap((row) => [...averaged(row).map(Math.abs)]))
  const smoothReach = quantile(ascending(smooth), 0.95) || 1
  for (const split of testSplits) {
    const { coding, gcContent, labels, names } = splits[split]
    for (const [i, row] of rowsOf(maps[split]).entries()) {
      const found = -evaluation.scores[split].ratio[i]!
      const kind = split === 'test_in' ? 'known' : 'unknown'
      const name = names[labels[i]!] ?? `class ${labels[i]}`
      strips.push({ values: Float64Array.from(row, (value) => value / reach), hatch: false })
      strips.push({ values: averaged(row).map((value) => value / smoothReach), hatch: false })
      const start = i * (steps + 1) + 1
      if (coding) strips.push({ values: hatched(coding.subarray(start, start + steps)), hatch: true })
      const rows = coding ? 3 : 2
      groups.push({
        label: `${kind}: ${name}, G and C ${(100 * gcContent[i]!).toFixed(0)} %, mean log ratio ${signed(found)}`,
        rows,
      })
      notes.push(['each base'], [`mean of ${WINDOW}`], ...(coding ? [['gaps']] : []))
    }
  }
  const height = 5
  const data = new Float64Array(strips.length * height * steps)
  for (const [i, { values, hatch }] of strips.entries())
    for (let y = 0; y < height; y++)
      // Every other line of a hatched strip is its negative: a pattern of both colours, which speaks for neither side.
      data.set(hatch && y % 2 ? values.map((value) => -value) : values, (i * height + y) * steps)
  return mapGrid({
    title: 'Where in the sequence the evidence lies',
    zoom: 2.4,
    groups,
    notes,
    columns: [
      {
        label: 'log ratio along the sequence: blue speaks for a known class, orange against',
        maps: tensor(data, [strips.length, height, steps]),
        colors: 'diverging',
        domain: [-1, 1],
      },
    ],
  })
}

/** Both ends of the colours in turn where bases are not coding, the middle elsewhere. */
function hatched(coding: Uint8Array): Float64Array {
  return Float64Array.from(coding, (on, t) => (on ? 0 : t % 2 ? 1 : -1))
}

function rowsOf(map: BaseRatios): Float64Array[] {
  const [n, steps] = map.shape as [number, number]
  const data = flatData(map)
  return Array.from({ length: n }, (_, i) => data.subarray(i * steps, (i + 1) * steps))
}

/** Mean of the `WINDOW` neighbours around each place, fewer at the ends. */
function averaged(row: Float64Array): Float64Array {
  const half = (WINDOW - 1) / 2
  return row.map((_, t) => {
    const part = row.subarray(Math.max(0, t - half), t + half + 1)
    return part.reduce((sum, value) => sum + value, 0) / part.length
  })
}
