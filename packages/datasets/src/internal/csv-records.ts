// CSV (RFC 4180) to records, from text in pieces of any length, in time linear in it.
import { fileError } from '@ood/core/node'

/** Longest record, in characters: an open quote would otherwise swallow the rest of the file. */
const MAX_RECORD = 2 ** 24

const QUOTE = 0x22
const COMMA = 0x2c
const LF = 0x0a
const CR = 0x0d

/** Where the parser stands: at the start of a cell, in one, in quotes, or behind a quote that may have been the last. */
type State = 'start' | 'bare' | 'quoted' | 'after-quote'

/** Collects cells of one record after another and hands each record on. */
export class CsvRecords {
  /** Records handed on; the header is the first. */
  count = 0
  private readonly path: string
  private readonly take: (cells: string[], empty: boolean) => void
  private state: State = 'start'
  private cells: string[] = []
  /** Pieces of the current cell; joined once. */
  private pieces: string[] = []
  private length = 0
  /** A line end after CR belongs to it. */
  private skipLf = false
  /** Whether anything of the current record has been seen. */
  private open = false

  /** `take` gets the cells of each record; `empty` for a line without any character. */
  constructor(path: string, take: (cells: string[], empty: boolean) => void) {
    this.path = path
    this.take = take
  }

  /** Takes the next piece of text. */
  push(text: string): void {
    let from = 0
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i)
      if (this.skipLf) {
        this.skipLf = false
        if (c === LF) {
          from = i + 1
          continue
        }
      }
      if (this.state === 'quoted') {
        if (c !== QUOTE) continue
        this.add(text.slice(from, i))
        this.state = 'after-quote'
        from = i + 1
      } else if (c === COMMA) {
        this.endCell(text.slice(from, i))
        this.open = true
        from = i + 1
      } else if (c === LF || c === CR) {
        this.skipLf = c === CR
        this.endRecord(text.slice(from, i))
        from = i + 1
      } else if (c === QUOTE && this.state === 'start') {
        this.state = 'quoted'
        this.open = true
        from = i + 1
      } else if (this.state === 'after-quote') {
        if (c !== QUOTE) throw fileError(this.where(), 'a comma or line end after a closing quote', text[i])
        // Two quotes stand for one.
        this.add('"')
        this.state = 'quoted'
        from = i + 1
      } else if (this.state === 'start') {
        this.state = 'bare'
        this.open = true
      }
    }
    this.add(text.slice(from))
  }

  /** Ends the text; true when the last record had a line end. */
  finish(): boolean {
    if (this.state === 'quoted') throw fileError(this.where(), 'a closing quote', 'the end of the file')
    if (!this.open) return true
    this.endRecord('')
    return false
  }

  private where(): string {
    return this.count === 0 ? `${this.path} first line` : `${this.path} row ${this.count}`
  }

  private add(piece: string): void {
    if (piece === '') return
    this.pieces.push(piece)
    this.length += piece.length
    if (this.length > MAX_RECORD)
      throw fileError(
        this.where(),
        `at most ${MAX_RECORD} characters`,
        this.state === 'quoted' ? 'an open quote' : 'more',
      )
  }

  private endCell(rest: string): void {
    this.add(rest)
    this.cells.push(this.pieces.length === 1 ? this.pieces[0]! : this.pieces.join(''))
    this.pieces = []
    this.state = 'start'
  }

  private endRecord(rest: string): void {
    const empty = !this.open
    this.endCell(rest)
    const { cells } = this
    this.cells = []
    this.length = 0
    this.open = false
    this.take(cells, empty)
    this.count++
  }
}
