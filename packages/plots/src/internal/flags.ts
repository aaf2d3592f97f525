// Vertical and horizontal marks with a text, laid out so that no text covers another mark or text.
import type { Size } from './frame.ts'
import { textWidth } from './text-width.ts'

/** A vertical line at `x` with its text. */
export interface Flag {
  x: number
  label: string
}

const TEXT = 12
const ROW = 17

/**
 * Layers of vertical lines with their texts at the top, like flags: the leftmost is the highest, and each line ends at
 * its own text, so that a text to its right is never crossed. Rows are shared where the texts leave room.
 */
export function flagLayers(flags: readonly Flag[], domain: readonly [number, number], size: Size): object[] {
  if (flags.length === 0) return []
  const pixel = (x: number) => ((x - domain[0]) / (domain[1] - domain[0])) * size.width
  const placed: { flag: Flag; row: number; end: number; left: boolean }[] = []
  for (const flag of [...flags].sort((a, b) => a.x - b.x)) {
    const at = pixel(flag.x)
    const width = textWidth(flag.label, TEXT) + 12
    const left = at + width > size.width + 20
    const row =
      Math.max(-1, ...placed.filter(({ end }) => end > (left ? at - width : at)).map((other) => other.row)) + 1
    placed.push({ flag, row, end: left ? at : at + width, left })
  }
  return placed.flatMap(({ flag, row, left }) => {
    const data = { values: [{ x: flag.x, label: flag.label }] }
    const x = { field: 'x', type: 'quantitative' }
    const y = { value: row * ROW }
    const text = { type: 'text', align: left ? 'right' : 'left', dx: left ? -6 : 6, baseline: 'middle', fontSize: TEXT }
    const textY = { value: row * ROW + 7 }
    const encoding = { x, y: textY, text: { field: 'label' } }
    return [
      {
        data,
        mark: { type: 'rule', color: '#444444', strokeWidth: 1.2 },
        encoding: { x, y, y2: { value: size.height } },
      },
      // A white rim keeps the text readable over curves.
      { data, mark: { ...text, color: '#ffffff', stroke: '#ffffff', strokeWidth: 4, strokeJoin: 'round' }, encoding },
      { data, mark: { ...text, color: '#222222' }, encoding },
    ]
  })
}

/**
 * Layers of a dashed horizontal line at `y` with its text above its right end: the line, to draw below the flags, and the
 * text, to draw above them, since its white rim breaks a line behind it.
 */
export function levelLayers(level: { y: number; label: string } | undefined, size: Size): [object[], object[]] {
  if (!level) return [[], []]
  const data = { values: [{ y: level.y, label: level.label }] }
  const y = { field: 'y', type: 'quantitative' }
  const text = { type: 'text', align: 'right', baseline: 'bottom', dy: -3, fontSize: TEXT }
  const encoding = { x: { value: size.width }, y, text: { field: 'label' } }
  return [
    [{ data, mark: { type: 'rule', color: '#444444', strokeDash: [6, 4], strokeWidth: 1.2 }, encoding: { y } }],
    [
      { data, mark: { ...text, color: '#ffffff', stroke: '#ffffff', strokeWidth: 4, strokeJoin: 'round' }, encoding },
      { data, mark: { ...text, color: '#222222' }, encoding },
    ],
  ]
}
