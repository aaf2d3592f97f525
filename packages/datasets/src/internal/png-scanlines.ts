// The unpacked bytes of a PNG, piece by piece, to planes: rows are put together, their filters undone, their samples
// read, and the pixels set where the interlacing pass has them. Memory: two rows and the planes.

import { fileError } from '@ood/core/node'
import { luma } from '../images/greyscale.ts'
import type { Planes } from './planes.ts'

/** What the first chunk of a PNG says. */
export interface PngHeader {
  width: number
  height: number
  /** Bits a sample. */
  depth: number
  /** Samples a pixel. */
  samples: number
  /** Grey, RGB, or an index into the palette; alpha, if any, is the last sample and ignored. */
  kind: 'grey' | 'rgb' | 'palette'
  interlaced: boolean
}

/** One pass over the image: every `dx`-th pixel from `x` on of every `dy`-th row from `y` on. */
interface Pass {
  x: number
  y: number
  dx: number
  dy: number
  /** Pixels in a row and rows. */
  columns: number
  rows: number
  /** Bytes of a row without its filter byte. */
  bytes: number
}

/** Adam7: start and step of each pass in x and y. */
const ADAM7: readonly (readonly [number, number, number, number])[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
]

/** The passes that have pixels: one, or up to seven of an interlaced image. */
function passes({ width, height, depth, samples, interlaced }: PngHeader): Pass[] {
  const starts = interlaced ? ADAM7 : ([[0, 0, 1, 1]] as const)
  return starts
    .map(([x, y, dx, dy]) => {
      const columns = Math.max(0, Math.ceil((width - x) / dx))
      const rows = Math.max(0, Math.ceil((height - y) / dy))
      return { x, y, dx, dy, columns, rows, bytes: Math.ceil((columns * samples * depth) / 8) }
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0)
}

/** Bytes that the pixels of such an image unpack to: each row has a filter byte in front. */
export function scanlineBytes(header: PngHeader): number {
  return passes(header).reduce((sum, { rows, bytes }) => sum + rows * (1 + bytes), 0)
}

/** Takes the unpacked bytes in pieces of any length and fills `planes`. */
export class Scanlines {
  readonly planes: Planes
  private readonly name: string
  private readonly passes: readonly Pass[]
  /** Bytes between a sample and the same one of the pixel before. */
  private readonly back: number
  private readonly setRow: (line: Uint8Array, pass: Pass, row: number) => void
  private line: Uint8Array
  private above: Uint8Array
  private pass = 0
  private row = 0
  /** Bytes of the current row there are, its filter byte included. */
  private have = 0
  private filter = 0

  constructor(header: PngHeader, palette: Uint8Array, mode: 'greyscale' | 'rgb', name: string) {
    const { width, height, depth, samples } = header
    const channels = mode === 'rgb' ? 3 : 1
    this.name = name
    this.passes = passes(header)
    this.back = Math.max(1, (samples * depth) >> 3)
    const longest = Math.max(...this.passes.map(({ bytes }) => bytes))
    this.line = new Uint8Array(longest)
    this.above = new Uint8Array(longest)
    this.planes = { channels, height, width, data: new Uint8Array(channels * width * height) }
    this.setRow = rowSetter(header, palette, this.planes, name)
  }

  /** Takes the next bytes; more than the image has are the caller's fault to exclude. */
  push(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; ) {
      const pass = this.passes[this.pass]!
      if (this.have === 0) {
        this.filter = piece[at]!
        if (this.filter > 4) throw fileError(this.name, 'a row filter of 0 to 4', this.filter)
        this.have = 1
        at++
        // Rows of one byte or more follow: a pass without pixels is left out.
        continue
      }
      const taken = Math.min(piece.length - at, pass.bytes + 1 - this.have)
      this.line.set(piece.subarray(at, at + taken), this.have - 1)
      this.have += taken
      at += taken
      if (this.have === pass.bytes + 1) this.finishRow(pass)
    }
  }

  private finishRow(pass: Pass): void {
    unfilter(this.filter, this.line, this.above, pass.bytes, this.back)
    this.setRow(this.line, pass, this.row)
    const finished = this.line
    this.line = this.above
    this.above = finished
    this.have = 0
    this.row++
    if (this.row < pass.rows) return
    this.row = 0
    this.pass++
    this.above.fill(0)
  }
}

/** Undoes a row's filter in place: each byte was stored less a prediction from those to the left and above. */
function unfilter(filter: number, line: Uint8Array, above: Uint8Array, length: number, back: number): void {
  if (filter === 1) {
    for (let i = back; i < length; i++) line[i] = line[i]! + line[i - back]!
  } else if (filter === 2) {
    for (let i = 0; i < length; i++) line[i] = line[i]! + above[i]!
  } else if (filter === 3) {
    for (let i = 0; i < length; i++) line[i] = line[i]! + (((i < back ? 0 : line[i - back]!) + above[i]!) >> 1)
  } else if (filter === 4) {
    for (let i = 0; i < length; i++) {
      const left = i < back ? 0 : line[i - back]!
      const corner = i < back ? 0 : above[i - back]!
      line[i] = line[i]! + paeth(left, above[i]!, corner)
    }
  }
}

/** Whichever of the three is nearest to left + up - corner, in this order where equally near. */
function paeth(left: number, up: number, corner: number): number {
  const toLeft = Math.abs(up - corner)
  const toUp = Math.abs(left - corner)
  const toCorner = Math.abs(left + up - 2 * corner)
  if (toLeft <= toUp && toLeft <= toCorner) return left
  return toUp <= toCorner ? up : corner
}

/** A function that sets the pixels of one unfiltered row. */
function rowSetter(
  { width, height, depth, samples, kind }: PngHeader,
  palette: Uint8Array,
  { channels, data }: Planes,
  name: string,
): (line: Uint8Array, pass: Pass, row: number) => void {
  const plane = width * height
  const set = (to: number, r: number, g: number, b: number): void => {
    if (channels === 1) data[to] = luma(r, g, b)
    else {
      data[to] = r
      data[plane + to] = g
      data[2 * plane + to] = b
    }
  }
  const setGrey = (to: number, grey: number): void => {
    data[to] = grey
    if (channels === 3) {
      data[plane + to] = grey
      data[2 * plane + to] = grey
    }
  }
  // The high byte of a sample, and bytes from pixel to pixel, where samples are whole bytes.
  const wide = depth >> 3
  const step = samples * wide
  const top = 2 ** depth - 1
  const sample = (line: Uint8Array, i: number): number => {
    if (wide > 0) return line[i * step]!
    const bit = i * depth
    return (line[bit >> 3]! >> (8 - depth - (bit & 7))) & top
  }
  return (line, pass, row) => {
    let to = (pass.y + row * pass.dy) * width + pass.x
    for (let i = 0; i < pass.columns; i++, to += pass.dx) {
      if (kind === 'rgb') set(to, line[i * step]!, line[i * step + wide]!, line[i * step + 2 * wide]!)
      else if (kind === 'grey') setGrey(to, wide > 0 ? line[i * step]! : (sample(line, i) * 255) / top)
      else {
        const colour = 3 * sample(line, i)
        if (colour >= palette.length)
          throw fileError(name, `palette colours below ${palette.length / 3}`, `colour ${colour / 3}`)
        set(to, palette[colour]!, palette[colour + 1]!, palette[colour + 2]!)
      }
    }
  }
}
