// Statistics of a PixelCNN++ and its background model: log-likelihoods of the whole image and of its regions.
import { flatData, type NdArray, tensor } from '@ood/core'
import { array, type Columns, logProbOf, type Statistic } from '@ood/detect'
import type { PixelCnn } from '@ood/models-autoregressive'

/** Regions along each side. */
const GRID = 4

/** log p, and log p by region of a 4 x 4 grid: an image may have a likely sum of unlikely parts. */
export function pixelStatistics(model: PixelCnn): Statistic[] {
  const needs = { pixels: logProbOf(model) }
  return [
    { name: 'PixelCNN++ log p', needs, values: (columns) => array(columns, 'pixels.logProb') },
    { name: 'PixelCNN++ by region', needs, values: (columns) => byRegion(array(columns, 'pixels.feature')) },
  ]
}

/** log p of the background model, and the log-likelihood ratio by region. */
export function backgroundStatistics(model: PixelCnn, background: PixelCnn): Statistic[] {
  const needs = { pixels: logProbOf(model), background: logProbOf(background) }
  return [
    { name: 'background log p', needs, values: (columns) => array(columns, 'background.logProb') },
    { name: 'ratio by region', needs, values: ratioByRegion },
  ]
}

function ratioByRegion(columns: Columns): NdArray<Float64Array> {
  const semantic = byRegion(array(columns, 'pixels.feature'))
  const background = flatData(byRegion(array(columns, 'background.feature')))
  return tensor(
    flatData(semantic).map((value, i) => value - background[i]!),
    semantic.shape,
  )
}

/** Sums of a map [N, H, W] over a grid of regions, [N, regions]; sides shorter than the grid have a region a pixel. */
export function byRegion(map: NdArray<Float64Array>, grid: number = GRID): NdArray<Float64Array> {
  const [n, height, width] = map.shape as [number, number, number]
  const [rows, columns] = [Math.min(grid, height), Math.min(grid, width)]
  const values = flatData(map)
  const out = new Float64Array(n * rows * columns)
  for (let i = 0; i < n; i++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const at = (i * rows + Math.floor((y * rows) / height)) * columns + Math.floor((x * columns) / width)
        out[at] = out[at]! + values[(i * height + y) * width + x]!
      }
  return tensor(out, [n, rows * columns])
}
