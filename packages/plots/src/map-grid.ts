// Images beside maps of their pixels: one row an image, one column a quantity, each column with its own colours and bar.
import { flatData, mismatch, type NdArray } from '@ood/core'
import { checkNumbers } from './internal/check.ts'
import { type ColorMap, colorAt } from './internal/color-maps.ts'
import { escapeHtml } from './internal/escape.ts'
import { FONT } from './internal/frame.ts'
import { encodePng, pngAddress } from './internal/png.ts'
import { textWidth, wrapText } from './internal/text-width.ts'

/** One quantity of every image. */
export interface MapColumn {
  /** Heading of the column. */
  label: string
  /** Maps [N, H, W], or images [N, 1, H, W]. */
  maps: NdArray
  /** Default `sequential`; `diverging` is white at the middle of the domain. */
  colors?: ColorMap
  /** Values of the two end colours, for all rows alike; values beyond are drawn like the ends. */
  domain: readonly [number, number]
  /** Draws a colour bar below the column, with this title: the quantity's unit. */
  bar?: string
}

/** Options of `mapGrid`. */
export interface MapGridOptions {
  columns: readonly MapColumn[]
  /** Headings above some of the rows: `rows` rows each, in order, N in all. */
  groups: readonly { label: string; rows: number }[]
  /** Text beside each row, a line each. */
  notes?: readonly (readonly string[])[] | undefined
  title?: string | undefined
  /** Screen pixels per map pixel (default 3). */
  zoom?: number | undefined
}

const GAP = 4
const COLUMN_GAP = 14
const TEXT = 12
const SMALL = 11

/**
 * SVG text of a grid of images and maps, pixels kept sharp, with one colour scale per column.
 *
 * @throws OodError `E_EMPTY` without columns or rows, `E_SHAPE` for maps of different sizes or numbers, `E_NOT_FINITE`,
 *   `E_ARGUMENT` for a domain that is none or rows that do not add up
 * @example
 * mapGrid({
 *   title: 'Where the evidence lies',
 *   groups: [{ label: 'clothes', rows: 5 }],
 *   columns: [
 *     { label: 'image', maps: images, colors: 'grey', domain: [0, 255] },
 *     { label: 'ratio', maps: ratio, colors: 'diverging', domain: [-3, 3], bar: 'nats' },
 *   ],
 * })
 */
export function mapGrid(options: MapGridOptions): string {
  const { columns, groups, notes, title, zoom = 3 } = options
  const [height, width] = checked(options)
  if (!(zoom > 0 && zoom <= 64)) throw mismatch('E_ARGUMENT', 'mapGrid zoom', 'a number in (0, 64]', zoom)
  const [cellWidth, cellHeight] = [width * zoom, height * zoom]
  const noteLines = notes?.flat() ?? []
  const noteWidth =
    noteLines.length > 0 ? Math.ceil(Math.max(...noteLines.map((line) => textWidth(line, TEXT)))) + 8 : 0
  const left = (k: number) => k * (cellWidth + COLUMN_GAP)
  const outer = Math.ceil(left(columns.length) - (notes ? 0 : COLUMN_GAP) + noteWidth)
  const parts: string[] = []
  const text = (x: number, y: number, line: string, look = '') =>
    parts.push(`<text x="${round(x)}" y="${round(y)}" ${look}>${escapeHtml(line)}</text>`)
  const png = (
    pixels: Uint8Array,
    w: number,
    h: number,
    [x, y, wide, tall]: readonly [number, number, number, number],
  ) =>
    parts.push(
      `<image x="${round(x)}" y="${round(y)}" width="${round(wide)}" height="${round(tall)}" preserveAspectRatio="none" ` +
        `href="${pngAddress(encodePng(pixels, w, h, 3))}"/>`,
    )

  let y = 4
  for (const line of title ? wrapText(title, outer, 15, true) : []) {
    y += 18
    text(0, y, line, 'font-size="15" font-weight="bold"')
  }
  const headings = columns.map(({ label }) => wrapText(label, cellWidth + COLUMN_GAP - 4, TEXT))
  const tallest = Math.max(...headings.map((lines) => lines.length))
  y += 8
  // Headings stand on one line above their columns.
  for (const [k, lines] of headings.entries())
    for (const [i, line] of lines.entries()) text(left(k), y + (tallest - lines.length + i + 1) * 16, line)
  y += tallest * 16 + 4
  let row = 0
  // Pixels are repeated so that viewers shrink the sheet: they all smooth what they enlarge.
  const repeat = Math.ceil(zoom)
  for (const { label, rows } of groups) {
    y += 17
    text(0, y, label, 'fill="#555555"')
    y += 6
    for (let i = 0; i < rows; i++, row++) {
      for (const [k, column] of columns.entries())
        png(paint(column, row, height, width, repeat), width * repeat, height * repeat, [
          left(k),
          y,
          cellWidth,
          cellHeight,
        ])
      const lines = notes?.[row] ?? []
      const first = y + cellHeight / 2 - (lines.length - 1) * 8 + 4
      for (const [i, line] of lines.entries()) text(left(columns.length), first + 16 * i, line)
      y += cellHeight + GAP
    }
    y += 4
  }
  if (columns.some(({ bar }) => bar !== undefined)) {
    y += 4
    for (const [k, { colors = 'sequential', domain, bar }] of columns.entries()) {
      if (bar === undefined) continue
      const ramp = Uint8Array.from(Array.from({ length: 64 }, (_, i) => colorAt(colors, i / 63)).flat())
      png(ramp, 64, 1, [left(k), y, cellWidth, 9])
      text(left(k), y + 22, tick(domain[0]), `font-size="${SMALL}"`)
      text(left(k) + cellWidth, y + 22, tick(domain[1]), `font-size="${SMALL}" text-anchor="end"`)
      text(left(k) + cellWidth / 2, y + 22, bar, `font-size="${SMALL}" text-anchor="middle" fill="#555555"`)
    }
    y += 26
  }
  const [w, h] = [outer + 16, Math.ceil(y) + 8]
  const name = title ? ` role="img" aria-label="${escapeHtml(title)}"` : ''
  return (
    `<svg${name} xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}">` +
    `<rect width="${w}" height="${h}" fill="#ffffff"/>` +
    `<g transform="translate(8,0)" font-family="${FONT}" font-size="${TEXT}" fill="#222222">${parts.join('')}</g></svg>`
  )
}

/** Height and width that all columns share. */
function checked({ columns, groups, notes }: MapGridOptions): [number, number] {
  if (columns.length === 0) throw mismatch('E_EMPTY', 'mapGrid columns', 'at least one', 'none')
  const sizes = columns.map(({ label, maps, domain }) => {
    const what = `mapGrid ${label}`
    const { shape } = maps
    if (!(shape.length === 3 || (shape.length === 4 && shape[1] === 1)))
      throw mismatch('E_SHAPE', what, '[N, H, W] or [N, 1, H, W]', shape)
    if (!(domain[1] > domain[0] && Number.isFinite(domain[1] - domain[0])))
      throw mismatch('E_ARGUMENT', `${what} domain`, 'a lower and a higher finite number', [...domain])
    checkNumbers(what, flatData(maps))
    return [shape[0]!, shape.at(-2)!, shape.at(-1)!] as [number, number, number]
  })
  const size = sizes[0]!
  for (const [k, other] of sizes.entries())
    if (other.join() !== size.join())
      throw mismatch('E_SHAPE', `mapGrid ${columns[k]!.label}`, `${size[0]} maps of ${size[1]} x ${size[2]}`, other)
  const rows = groups.reduce((sum, group) => sum + group.rows, 0)
  if (rows !== size[0] || !groups.every((group) => Number.isInteger(group.rows) && group.rows >= 1))
    throw mismatch(
      'E_ARGUMENT',
      'mapGrid groups',
      `${size[0]} rows in all, at least one each`,
      groups.map((g) => g.rows),
    )
  if (notes && notes.length !== rows) throw mismatch('E_SHAPE', 'mapGrid notes', `${rows} rows`, notes.length)
  return [size[1], size[2]]
}

/** One map in colour, every pixel `repeat` times in each direction. */
function paint(
  { maps, colors = 'sequential', domain }: MapColumn,
  row: number,
  height: number,
  width: number,
  repeat: number,
) {
  const values = flatData(maps).subarray(row * height * width, (row + 1) * height * width)
  const wide = width * repeat
  const sheet = new Uint8Array(wide * height * repeat * 3)
  for (const [i, value] of values.entries()) {
    const color = colorAt(colors, (value - domain[0]) / (domain[1] - domain[0]))
    const [top, left] = [Math.floor(i / width) * repeat, (i % width) * repeat]
    for (let y = top; y < top + repeat; y++)
      for (let x = left; x < left + repeat; x++) sheet.set(color, (y * wide + x) * 3)
  }
  return sheet
}

function tick(value: number): string {
  return String(Number(value.toPrecision(2))).replace('-', '\u2212')
}

function round(value: number): number {
  return Number(value.toFixed(2))
}
