// Reads the stored results in docs/results/*.json: figures as a command printed them, each with what it had in view.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One AUROC. */
export interface ResultRow {
  method: string
  /** Data set of the training images. */
  trained: string
  /** Set that is to be told apart. */
  against: string
  /** What it is told apart from: test images, or samples of the model. */
  inside: 'test' | 'generated'
  auroc: number
  /** 95 % interval as the command printed it. */
  interval?: [number, number]
  /** `yes`: no setting of the method was chosen with images of this pair of sets in view. */
  blind: 'yes' | 'no'
  /** Heading of docs/tuning.md that says what was in view; only where not blind. */
  tuning?: string
  /** Shown in the table of docs/results.md. */
  headline?: boolean
}

/** Rows that one command printed. */
export interface ResultRun {
  command: string
  /** Day it ran, YYYY-MM-DD. */
  date: string
  /** Images (or sequences) a set. */
  n: number
  images: string
  rows: ResultRow[]
}

/** The stored results of one kind of model or method. */
export interface ResultFamily {
  /** Kind of model, such as `Flow`. */
  title: string
  /** Page below docs/results, with a heading if need be. */
  page: string
  runs: ResultRun[]
}

/**
 * Reads and checks every `.json` file of a folder, in order of their names.
 *
 * @throws Error naming file, row and field of what is wrong
 */
export function readFamilies(folder: string): ResultFamily[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return files.sort().map((file) => parseFamily(JSON.parse(readFileSync(join(folder, file), 'utf8')), file))
}

/** Checks one family. @throws Error naming file, row and field */
export function parseFamily(value: unknown, file: string): ResultFamily {
  const family = value as ResultFamily
  need(isText(family?.title) && isText(family.page), file, 'title and page', 'text', [family?.title, family?.page])
  need(Array.isArray(family.runs) && family.runs.length > 0, file, 'runs', 'at least one', family.runs)
  for (const [i, run] of family.runs.entries()) {
    const where = `${file} run ${i}`
    need(isText(run.command), where, 'command', 'text', run.command)
    need(/^\d{4}-\d\d-\d\d$/.test(run.date), where, 'date', 'YYYY-MM-DD', run.date)
    need(Number.isSafeInteger(run.n) && run.n > 0, where, 'n', 'a positive whole number', run.n)
    need(Array.isArray(run.rows) && run.rows.length > 0, where, 'rows', 'at least one', run.rows)
    for (const [k, row] of run.rows.entries()) checkRow(row, `${where} row ${k}`)
  }
  return family
}

function checkRow(row: ResultRow, where: string): void {
  for (const name of ['method', 'trained', 'against'] as const) need(isText(row[name]), where, name, 'text', row[name])
  need(row.inside === 'test' || row.inside === 'generated', where, 'inside', 'test or generated', row.inside)
  need(isShare(row.auroc), where, 'auroc', 'a number in [0, 1]', row.auroc)
  need(row.blind === 'yes' || row.blind === 'no', where, 'blind', 'yes or no', row.blind)
  need((row.blind === 'no') === isText(row.tuning), where, 'tuning', 'a heading exactly where not blind', row.tuning)
  const { interval } = row
  if (interval === undefined) return
  // Printed digits: the AUROC may be rounded past the end of its interval.
  const fits = interval.length === 2 && interval.every(isShare)
  need(
    fits && interval[0] - 0.001 <= row.auroc && row.auroc <= interval[1] + 0.001,
    where,
    'interval',
    'one around the auroc',
    interval,
  )
}

function need(holds: boolean, where: string, field: string, expected: string, got: unknown): void {
  if (!holds) throw new Error(`${where} ${field}: expected ${expected}, got ${JSON.stringify(got)}`)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isShare(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1
}
