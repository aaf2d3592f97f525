// A map of images with their local intrinsic dimension on it: model-free LID of each, beside a UMAP view of them all.
import { concatRows, flatData, mean, type NdArray, rowCount, rowSize, standardDeviation, tensor } from '@ood/core'
import { ess, findNeighbours, mle } from '@ood/lid'
import { scatterPlot } from '@ood/plots'
import { wholeNumber } from '@ood/run'
import { type Example, mainOf, wordsBeside } from '../common/example.ts'
import { type Figure, figure } from '../common/figures.ts'
import { splitImages } from '../common/images.ts'
import { byName, type DataSet, dataSetTitle, eachName, mean as plainMean } from '../common/splits.ts'
import { project } from './umap.ts'

const sets = ['fashion-mnist', 'mnist'] as const satisfies readonly DataSet[]
const methods = ['mle', 'ess'] as const
type Lid = Record<(typeof methods)[number], Float64Array>

/** Everything known when the run ends. */
interface Result {
  lid: Record<DataSet, Lid>
  /** x y of every image in turn, set after set. */
  map: Float64Array
  neighbours: number
}

export const example: Example<{ neighbours: number }, Result> = {
  name: 'lid-map',
  about: 'Local intrinsic dimension of Fashion-MNIST and MNIST test images without any model, drawn on a UMAP of both.',
  n: 400,
  rows: 'images a data set',
  flags: { neighbours: wholeNumber('K', 20, 3, 'neighbours of each image (default 20)') },

  async work({ run, seed, signal, onProgress }, options) {
    const { neighbours } = options
    const images = await eachName(sets, async (set) => unitRows(await splitImages(set, 'test', options, signal)))
    // Neighbours are looked for within each data set: a digit among clothes says nothing about digits.
    const lidOf = async (set: DataSet): Promise<Lid> => {
      const table = await findNeighbours(images[set], neighbours, { seed, signal })
      const of = { neighbours: table }
      return { mle: (await mle(images[set], of)).lid, ess: (await ess(images[set], of)).lid }
    }
    const lid = await run.step('lid', () => eachName(sets, lidOf))
    const all = concatRows(sets.map((set) => images[set]))
    const map = await run.step('umap', () => project(all, { seed, signal, onProgress }))
    return { lid, map, neighbours }
  },

  summary: ({ lid }, { n, seed, dataDir, neighbours }) => ({
    ...{ n, seed, data: dataDir ?? 'packaged samples', neighbours },
    lid: byName(sets, (set) => byName(methods, (method) => plainMean(lid[set][method]))),
  }),

  report({ lid, map, neighbours }) {
    const n = lid[sets[0]].ess.length
    const means = sets.map((set) => [
      dataSetTitle[set],
      ...methods.flatMap((method) => [mean(lid[set][method]).toFixed(1), intervalOfMean(lid[set][method])]),
    ])
    const values = {
      neighbours,
      sets: sets.map((set) => {
        const { ess } = lid[set]
        return { n, title: dataSetTitle[set], lid: mean(ess).toFixed(1), interval: intervalOfMean(ess) }
      }),
      map: maps(lid, map),
      means: { table: [['mean LID', 'MLE', '95 % interval', 'ESS', '95 % interval'], ...means] },
    }
    const rows = { label: 'images', value: `${n} a data set, ${neighbours} neighbours each` }
    return { ...wordsBeside(import.meta.url, values), rows }
  },
}

export const main = mainOf(example)

/** Bytes as rows of numbers in [0, 1]. */
function unitRows(images: NdArray): NdArray {
  const data = Float32Array.from(flatData(images), (value) => value / 255)
  return tensor(data, [rowCount(images), rowSize(images)])
}

/** The map by data set, and by thirds of the dimensions. */
function maps(lid: Result['lid'], map: Float64Array): Record<'bySet' | 'byLid', Figure> {
  const axes = { xTitle: 'UMAP 1', yTitle: 'UMAP 2' }
  const at = (rows: readonly number[]) => ({
    x: Float64Array.from(rows, (row) => map[2 * row]!),
    y: Float64Array.from(rows, (row) => map[2 * row + 1]!),
  })
  const values = Float64Array.from(sets.flatMap((set) => [...lid[set].ess]))
  const n = values.length / sets.length
  const bySet = sets.map((set, s) => {
    const rows = Array.from({ length: n }, (_, i) => s * n + i)
    return { name: set, label: dataSetTitle[set], ...at(rows) }
  })
  const byLid = thirds(values).map(({ label, rows }, i) => ({ name: `third-${i}`, label, ...at(rows) }))
  const coloured = 'The same map by local intrinsic dimension (ESS)'
  return {
    bySet: figure('map', scatterPlot({ title: 'Every image once', series: bySet, ...axes })),
    byLid: figure('map-lid', scatterPlot({ title: coloured, series: byLid, ...axes })),
  }
}

/** 95 % interval of a mean, from the standard error over rows. */
function intervalOfMean(values: Float64Array): string {
  const centre = mean(values)
  const half = (1.96 * standardDeviation(values)) / Math.sqrt(values.length)
  return `${(centre - half).toFixed(1)} to ${(centre + half).toFixed(1)}`
}

/** Row numbers of the lowest, middle and highest third of some values, with their ranges. */
function thirds(values: Float64Array): { label: string; rows: number[] }[] {
  const order = Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!)
  return [0, 1, 2].map((third) => {
    const rows = order.slice((third * order.length) / 3, ((third + 1) * order.length) / 3)
    return { label: `LID ${values[rows[0]!]!.toFixed(1)} to ${values[rows.at(-1)!]!.toFixed(1)}`, rows }
  })
}
