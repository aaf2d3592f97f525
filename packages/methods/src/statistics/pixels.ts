// The images themselves, made small, as a column: what a density of pixels is fitted on.
import { flatData, type NdArray, rowCount, rowSize, tensor } from '@ood/core'
import { describedBy, type Measurement, measurement } from '@ood/detect'
import type { Models } from '../open-model.ts'

/** Longest side of the small images. */
const SIDE = 14
/** Most numbers a row: a covariance of so many is a second of work. */
const MOST = 768

/** Raw rows scaled to [0, 1] by the range that the models take; images are averaged over blocks to sides of 14 or less. */
export function pixelsOf(models: Models): Measurement {
  const { valueRange } = describedBy(Object.values(models))
  const [low, high] = valueRange ?? [0, 1]
  return measurement('pixels', [], { side: SIDE, low, high }, ['pixels'], (x: NdArray) => {
    const small = x.shape.length === 4 ? shrunk(x) : { values: Float64Array.from(flatData(x)), width: rowSize(x) }
    return {
      pixels: tensor(
        small.values.map((value) => (value - low) / (high - low)),
        [rowCount(x), small.width],
      ),
    }
  })
}

/** Whether rows of the models' shape are small enough for a density of pixels. */
export function hasPixels(models: Models): boolean {
  const { dataShape } = describedBy(Object.values(models))
  if (!dataShape) return false
  const [blocks, size] = dataShape.length === 3 ? [dataShape.slice(1).map(blocksOf), dataShape[0]!] : [dataShape, 1]
  return dataShape.every((n) => n > 0) && blocks.reduce((product, n) => product * n, size) <= MOST
}

const blockOf = (side: number): number => Math.ceil(side / SIDE)
const blocksOf = (side: number): number => Math.ceil(side / blockOf(side))

/** Means of blocks of images [N, C, H, W]; blocks at the far ends may be smaller. */
function shrunk(x: NdArray): { values: Float64Array; width: number } {
  const [n, channels, height, width] = x.shape as [number, number, number, number]
  const [down, across] = [blockOf(height), blockOf(width)]
  const [rows, columns] = [blocksOf(height), blocksOf(width)]
  const data = flatData(x)
  const values = new Float64Array(n * channels * rows * columns)
  for (let plane = 0; plane < n * channels; plane++)
    for (let y = 0; y < height; y++)
      for (let at = 0; at < width; at++) {
        const row = Math.floor(y / down)
        const column = Math.floor(at / across)
        const size =
          (Math.min(height, (row + 1) * down) - row * down) * (Math.min(width, (column + 1) * across) - column * across)
        const to = (plane * rows + row) * columns + column
        values[to] = values[to]! + data[(plane * height + y) * width + at]! / size
      }
  return { values, width: channels * rows * columns }
}
