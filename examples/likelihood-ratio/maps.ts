// Pictures of the example: log-probabilities of every pixel under both models, and samples of the semantic one.
import { ascending, concatRows, flatData, type NdArray, quantile, tensor } from '@ood/core'
import { imageGrid, mapGrid } from '@ood/plots'
import { signed } from '../common/decisions.ts'
import type { Maps, Measured, TestSet } from './measure.ts'
import { testSets } from './measure.ts'

/** Log-probabilities of every pixel under both models and their difference, one row an image. */
export function pixelMaps(
  label: Record<TestSet, string>,
  sets: Record<TestSet, Measured>,
  maps: Record<TestSet, Maps>,
): string {
  /** Maps of both sets, [rows, H, W]. */
  const all = (which: keyof Maps): NdArray => {
    const both = concatRows(testSets.map((set) => maps[set][which]))
    const [rows, ...sizes] = both.shape
    return tensor(flatData(both), [rows!, ...sizes.slice(-2)])
  }
  const [semantic, background] = [all('semantic'), all('background')]
  const minus = Float64Array.from(flatData(semantic), (value, i) => value - flatData(background)[i]!)
  const ratio = tensor(minus, semantic.shape)
  // A few pixels are far below all others; the ends of the colours are quantiles, so that these do not decide them.
  const low = quantile(ascending([...flatData(semantic), ...flatData(background)]), 0.01)
  const reach = quantile(ascending(minus.map(Math.abs)), 0.99) || 1
  const rowsOf = (set: TestSet) => maps[set].images.shape[0]!
  const notes = (set: TestSet) =>
    Array.from({ length: rowsOf(set) }, (_, i) => {
      const [ofImage, ofBackground] = [sets[set].semantic[i]!, sets[set].background[i]!]
      return [
        `log p semantic ${signed(ofImage, 0)}`,
        `log p background ${signed(ofBackground, 0)}`,
        `ratio ${signed(ofImage - ofBackground, 0)}`,
      ]
    })
  return mapGrid({
    title: 'Where in the image the evidence lies',
    groups: testSets.map((set) => ({ label: label[set], rows: rowsOf(set) })),
    notes: testSets.flatMap(notes),
    columns: [
      { label: 'image', maps: all('images'), colors: 'grey', domain: [0, 255] },
      { label: 'semantic', maps: semantic, domain: [low, 0], bar: 'nats' },
      { label: 'background', maps: background, domain: [low, 0], bar: 'nats' },
      { label: 'ratio', maps: ratio, colors: 'diverging', domain: [-reach, reach], bar: 'nats' },
    ],
  })
}

/** Images drawn from the semantic model. */
export function sampleSheet(dataSet: string, images: NdArray): string {
  const title = `Drawn from the model of ${dataSet}`
  return imageGrid({ title, range: [0, 255], columns: 8, zoom: 2.5, groups: [{ images }] })
}
