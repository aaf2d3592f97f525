// Small pictures side by side, such as samples of a model, as one SVG with the pixels in an embedded PNG.
import { flatData, mismatch, type NdArray, rowCount } from '@ood/core'
import { checkNumbers } from './internal/check.ts'
import { escapeHtml } from './internal/escape.ts'
import { FONT } from './internal/frame.ts'
import { encodePng, pngAddress } from './internal/png.ts'
import { wrapText } from './internal/text-width.ts'

/** One labelled block of images. */
export interface ImageGroup {
  /** Shown above the block. */
  label?: string
  /** Images [N, C, H, W] with C = 1 (grey) or 3 (RGB). */
  images: NdArray
}

/** Options of `imageGrid`. */
export interface ImageGridOptions {
  groups: readonly ImageGroup[]
  title?: string | undefined
  /** Images in a row (default 16). */
  columns?: number | undefined
  /** Values drawn black and white (default 0 and 1); others are clipped to them. */
  range?: readonly [number, number] | undefined
  /** Screen pixels per image pixel (default 1.25: 16 images of 28 pixels are 600 wide). */
  zoom?: number | undefined
}

const GAP = 2

/**
 * SVG text of labelled blocks of images, pixels kept sharp.
 *
 * @throws OodError `E_SHAPE` for images that are not [N, 1 or 3, H, W] of one size, `E_EMPTY` for none,
 *   `E_NOT_FINITE` for NaN pixels
 * @example
 * imageGrid({ title: 'What the model draws', groups: [{ label: 'generated', images: samples }] })
 */
export function imageGrid(options: ImageGridOptions): string {
  const { groups, title, range = [0, 1], zoom = 1.25 } = options
  if (groups.length === 0) throw mismatch('E_EMPTY', 'imageGrid', 'at least one group', 'none')
  if (!(Number.isInteger(options.columns ?? 1) && (options.columns ?? 1) >= 1))
    throw mismatch('E_ARGUMENT', 'imageGrid columns', 'a positive integer', options.columns)
  if (!(zoom > 0 && zoom <= 64)) throw mismatch('E_ARGUMENT', 'imageGrid zoom', 'a number in (0, 64]', zoom)
  if (!(range[1] > range[0])) throw mismatch('E_ARGUMENT', 'imageGrid range', 'a lower and a higher number', range)
  const [, channels, height, width] = groups[0]!.images.shape as [number, number, number, number]
  const columns = Math.min(options.columns ?? 16, Math.max(1, ...groups.map(({ images }) => rowCount(images))))
  const gridWidth = columns * (width + GAP) - GAP
  const outer = Math.ceil(gridWidth * zoom)
  // Pixels are repeated so that viewers shrink the sheet: they all smooth what they enlarge, some even when told not to.
  const sharpen = Math.ceil(zoom)
  const parts: string[] = []
  let y = title || groups[0]!.label ? 0 : 8
  const text = (lines: readonly string[], size: number, weight: string) => {
    for (const line of lines) {
      y += size + 5
      parts.push(
        `<text x="0" y="${y}" font-size="${size}" font-weight="${weight}" fill="#222222">${escapeHtml(line)}</text>`,
      )
    }
    y += 6
  }
  if (title) text(wrapText(title, outer, 15, true), 15, 'bold')
  for (const { label, images } of groups) {
    const what = `imageGrid ${label ?? 'images'}`
    const [n, c, h, w] = images.shape
    if (images.shape.length !== 4 || c !== channels || h !== height || w !== width || (c !== 1 && c !== 3))
      throw mismatch('E_SHAPE', what, `[N, 1 or 3, ${height ?? 'H'}, ${width ?? 'W'}]`, images.shape)
    checkNumbers(what, flatData(images))
    if (label) text(wrapText(label, outer, 12), 12, 'normal')
    const rows = Math.ceil(n! / columns)
    const gridHeight = rows * (height + GAP) - GAP
    const png = encodePng(paint(images, columns, range, sharpen), gridWidth * sharpen, gridHeight * sharpen, c)
    const tall = round(gridHeight * zoom)
    parts.push(
      `<image x="0" y="${round(y)}" width="${round(gridWidth * zoom)}" height="${tall}" ` +
        `href="${pngAddress(png)}"/>`,
    )
    y += tall + 8
  }
  const [w, h] = [outer + 16, Math.ceil(y) + 8]
  const name = title ? ` role="img" aria-label="${escapeHtml(title)}"` : ''
  return (
    `<svg${name} xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}">` +
    `<rect width="${w}" height="${h}" fill="#ffffff"/><g transform="translate(8,0)" font-family="${FONT}">${parts.join('')}</g></svg>`
  )
}

/** All images of a group on one white sheet, every pixel `repeat` times in each direction. */
function paint(images: NdArray, columns: number, [low, high]: readonly [number, number], repeat: number): Uint8Array {
  const [n, channels, height, width] = images.shape as [number, number, number, number]
  const data = flatData(images)
  const sheetWidth = (columns * (width + GAP) - GAP) * repeat
  const sheetHeight = (Math.ceil(n / columns) * (height + GAP) - GAP) * repeat
  const sheet = new Uint8Array(sheetWidth * sheetHeight * channels).fill(255)
  for (let i = 0; i < n; i++) {
    const left = (i % columns) * (width + GAP) * repeat
    const top = Math.floor(i / columns) * (height + GAP) * repeat
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < height * repeat; y++)
        for (let x = 0; x < width * repeat; x++) {
          const from = ((i * channels + c) * height + Math.floor(y / repeat)) * width + Math.floor(x / repeat)
          const value = Math.min(1, Math.max(0, (data[from]! - low) / (high - low)))
          sheet[((top + y) * sheetWidth + left + x) * channels + c] = Math.round(255 * value)
        }
  }
  return sheet
}

function round(value: number): number {
  return Number(value.toFixed(2))
}
