// The table of docs/results.md, made from stored results: one line a method, one column a direction.
import type { ResultFamily, ResultRow, ResultRun } from './families.ts'

export const BEGIN = '<!-- results: written by npm run results -->'
export const END = '<!-- /results -->'

const DIRECTIONS = [
  ['fashion-mnist', 'mnist'],
  ['mnist', 'fashion-mnist'],
] as const

interface Line {
  family: ResultFamily
  run: ResultRun
  method: string
  rows: ResultRow[]
}

/**
 * `text` with what stands between its markers replaced by the table of the headline rows.
 *
 * @throws Error for a page without markers
 */
export function withResults(text: string, families: readonly ResultFamily[]): string {
  const from = text.indexOf(BEGIN)
  const to = text.indexOf(END)
  if (from < 0 || to < from) throw new Error(`results page: expected the markers ${BEGIN} and ${END}, got none`)
  return `${text.slice(0, from + BEGIN.length)}\n\n${resultsTable(families)}\n${text.slice(to)}`
}

/** The two tables, by kind of model: images in both directions, then other data. */
export function resultsTable(families: readonly ResultFamily[]): string {
  const lines = linesOf(families).sort((a, b) =>
    a.family.title < b.family.title ? -1 : +(a.family.title > b.family.title),
  )
  const images = lines.filter(({ rows }) => rows.some((row) => column(row) >= 0))
  const others = lines.filter((line) => !images.includes(line))
  const table = [
    '| model | method | Fashion-MNIST -> MNIST | MNIST -> Fashion-MNIST | n | blind | command |',
    '|---|---|---|---|---|---|---|',
    ...images.map((line) => {
      const cells = DIRECTIONS.map((_, k) =>
        auroc(
          line.rows.find((row) => column(row) === k),
          line.run.n,
        ),
      )
      return `| ${[link(line), line.method, ...cells, line.run.n, blind(line.rows), `\`${line.run.command}\``].join(' | ')} |`
    }),
  ]
  if (others.length === 0) return `${table.join('\n')}\n`
  const more = [
    '| model | method | told apart | AUROC | n | blind | command |',
    '|---|---|---|---|---|---|---|',
    ...others.flatMap((line) =>
      line.rows.map((row) => {
        const pair = `${row.trained} -> ${row.against}`
        return `| ${[link(line), line.method, pair, auroc(row, line.run.n), line.run.n, blind([row]), `\`${line.run.command}\``].join(' | ')} |`
      }),
    ),
  ]
  return `${table.join('\n')}\n\n${more.join('\n')}\n`
}

/**
 * Approximate 95 % interval of an AUROC of n against n rows that come without one (Hanley and McNeil 1982, Radiology
 * 143): with q1 = A / (2 - A) and q2 = 2 A² / (1 + A), the variance is
 * (A (1 - A) + (n - 1)(q1 - A²) + (n - 1)(q2 - A²)) / n². Undefined at 0 and 1, where the variance says 0.
 */
export function hanleyMcNeil(a: number, n: number): [number, number] | undefined {
  if (a <= 0 || a >= 1) return undefined
  const variance = (a * (1 - a) + (n - 1) * (a / (2 - a) + (2 * a * a) / (1 + a) - 2 * a * a)) / (n * n)
  const half = 1.959964 * Math.sqrt(Math.max(0, variance))
  return [Math.max(0, a - half), Math.min(1, a + half)]
}

function linesOf(families: readonly ResultFamily[]): Line[] {
  const lines: Line[] = []
  for (const family of families)
    for (const run of family.runs)
      for (const row of run.rows) {
        if (!row.headline) continue
        const known = lines.find(
          (line) => line.run === run && line.method === row.method && column(line.rows[0]!) < 0 === column(row) < 0,
        )
        if (known?.rows.some((other) => other.trained === row.trained && other.against === row.against))
          throw new Error(`results ${row.method}: expected one headline a direction and command, got two`)
        if (known) known.rows.push(row)
        else lines.push({ family, run, method: row.method, rows: [row] })
      }
  return lines
}

function column(row: ResultRow): number {
  return DIRECTIONS.findIndex(([trained, against]) => row.trained === trained && row.against === against)
}

function auroc(row: ResultRow | undefined, n: number): string {
  if (!row) return ''
  if (row.interval) return `${row.auroc.toFixed(3)} (${row.interval.map(digits).join(' to ')})`
  const around = hanleyMcNeil(row.auroc, n)
  return around ? `${row.auroc.toFixed(3)} (~${around.map(digits).join(' to ')})` : row.auroc.toFixed(3)
}

/** Three digits, or four where three would say 1 of a number below it. */
function digits(value: number): string {
  return value < 1 && value >= 0.9995 ? value.toFixed(4) : value.toFixed(3)
}

function blind(rows: readonly ResultRow[]): string {
  const reasons = [...new Set(rows.flatMap(({ tuning }) => tuning ?? []))]
  const no = reasons.map((heading) => `[no](tuning.md#${heading})`).join(', ')
  return reasons.length === 0 ? 'yes' : rows.some((row) => row.blind === 'yes') ? `yes / ${no}` : no
}

function link({ family }: Line): string {
  return `[${family.title}](results/${family.page})`
}
