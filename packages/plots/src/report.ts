// The report of an experiment: one HTML file with its figures and tables inside, without scripts and network.
import { mismatch } from '@ood/core'
import { escapeHtml } from './internal/escape.ts'
import { styleSheet } from './internal/style-sheet.ts'
import { inlineMarkdown, markdown } from './markdown.ts'
import { roundedText } from './share.ts'

/** A cell of a report table: numbers get the table's digits, strings may hold inline Markdown. */
export type ReportCell = string | number | undefined

/** A figure: SVG text as `renderSvg` or `imageGrid` give it. */
export interface ReportFigure {
  svg: string
  /** Shown below the figure; inline Markdown. */
  caption?: string
}

/** A table; the first row is its head. */
export interface ReportTable {
  table: readonly (readonly ReportCell[])[]
  /** Shown above the table; inline Markdown. */
  caption?: string
  /** Digits after the point of numbers that are not whole (default 3). */
  digits?: number
}

/** One piece of a section: text in Markdown, a figure, figures side by side, a table. */
export type ReportBlock = { text: string } | ReportFigure | { figures: readonly ReportFigure[] } | ReportTable

/** A section of the report. */
export interface ReportSection {
  heading: string
  blocks: readonly ReportBlock[]
}

/** A number worth seeing first. */
export interface ReportHighlight {
  value: string
  label: string
  /** What the number rests on, in small type: its interval and n. */
  note?: string
}

/** One fact a reader needs before any number: what was measured, on how much, when, with what. */
export interface ReportFact {
  label: string
  value: string
}

/** Options of `htmlReport`. */
export interface ReportOptions {
  title: string
  /** Markdown below the title: what was done and what came out. */
  intro?: string | undefined
  /** In one line below the title: number of images, date, versions, machine. */
  facts?: readonly ReportFact[] | undefined
  /** A few numbers in large type below the intro. */
  highlights?: readonly ReportHighlight[] | undefined
  sections: readonly ReportSection[]
  /** Markdown at the end: command, date, versions. */
  footer?: string | undefined
  /** Language of the text (default `en`). */
  lang?: string | undefined
}

/**
 * One self-contained HTML file: inline CSS and SVG, no scripts, nothing loaded. Readable on a phone, in dark mode and on
 * paper. All text is escaped; Markdown is the small part that `markdown` knows. Equal options give equal files.
 *
 * @throws OodError `E_EMPTY` without sections, `E_ARGUMENT` for a figure that is not one SVG element or has scripts
 * @example
 * run.writeText('report.html', htmlReport({
 *   title: 'Likelihood paradox',
 *   sections: [{ heading: 'Likelihoods', blocks: [{ svg, caption: 'Digits lie to the right.' }] }],
 * }))
 */
export function htmlReport(options: ReportOptions): string {
  const { title, intro, facts = [], highlights = [], sections, footer, lang = 'en' } = options
  if (sections.length === 0) throw mismatch('E_EMPTY', 'htmlReport sections', 'at least one', 'none')
  const figures = { count: 0, tables: 0 }
  const body = sections.map((section, i) => {
    const blocks = section.blocks.map((block) => blockHtml(block, figures)).join('\n')
    return `<section id="s${i + 1}">\n<h2>${inlineMarkdown(section.heading)}</h2>\n${blocks}\n</section>`
  })
  const links = sections.map(({ heading }, i) => `<li><a href="#s${i + 1}">${inlineMarkdown(heading)}</a></li>`)
  return `<!doctype html>
<html lang="${escapeHtml(lang)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escapeHtml(title)}</title>
<style>
${styleSheet}
</style>
</head>
<body>
<header>
<h1>${inlineMarkdown(title)}</h1>
${factsHtml(facts)}${intro ? `<div class="intro">${markdown(intro)}</div>\n` : ''}${highlightsHtml(highlights)}</header>
${sections.length > 2 ? `<nav aria-label="Sections"><ul>${links.join('')}</ul></nav>\n` : ''}<main>
${body.join('\n')}
</main>
${footer ? `<footer>${markdown(footer)}</footer>\n` : ''}</body>
</html>
`
}

function factsHtml(facts: readonly ReportFact[]): string {
  if (facts.length === 0) return ''
  const items = facts.map(
    ({ label, value }) => `<div><dt>${inlineMarkdown(label)}</dt><dd>${inlineMarkdown(value)}</dd></div>`,
  )
  return `<dl class="facts">${items.join('')}</dl>\n`
}

function highlightsHtml(highlights: readonly ReportHighlight[]): string {
  if (highlights.length === 0) return ''
  const items = highlights.map(
    ({ value, label, note }) =>
      `<div><dd>${inlineMarkdown(value)}${note ? `<small>${inlineMarkdown(note)}</small>` : ''}</dd><dt>${inlineMarkdown(label)}</dt></div>`,
  )
  return `<dl class="highlights">${items.join('')}</dl>\n`
}

interface Counters {
  count: number
  tables: number
}

function blockHtml(block: ReportBlock, counters: Counters): string {
  if ('text' in block) return markdown(block.text)
  if ('svg' in block) return figureHtml(block, counters)
  if ('figures' in block)
    return `<div class="side-by-side">${block.figures.map((figure) => figureHtml(figure, counters)).join('\n')}</div>`
  return tableHtml(block, counters)
}

function figureHtml({ svg, caption }: ReportFigure, counters: Counters): string {
  counters.count += 1
  const what = `htmlReport figure ${counters.count}`
  const text = svg.replace(/^\s*<\?xml[^>]*>/, '').trim()
  if (!/^<svg[\s>][\s\S]*<\/svg>$/.test(text)) throw mismatch('E_ARGUMENT', what, 'an <svg> element', text.slice(0, 40))
  if (/<(script|foreignObject|iframe)\b|\son\w+\s*=|javascript:/i.test(text))
    throw mismatch('E_ARGUMENT', what, 'an SVG without scripts', 'one with')
  // Every figure has its number, in the order of the page, with words or without.
  const words = caption ? ` ${inlineMarkdown(caption)}` : ''
  const label = `<figcaption>Figure ${counters.count}.${words}</figcaption>`
  return `<figure><div class="plot">${uniqueIds(text, `f${counters.count}-`)}</div>${label}</figure>`
}

/** Every chart counts its ids from zero; in one page they must differ. */
function uniqueIds(svg: string, prefix: string): string {
  return svg
    .replace(/ id="([^"]+)"/g, ` id="${prefix}$1"`)
    .replace(/url\(#([^)]+)\)/g, `url(#${prefix}$1)`)
    .replace(/ ((?:xlink:)?href)="#([^"]+)"/g, ` $1="#${prefix}$2"`)
}

function tableHtml({ table, caption, digits = 3 }: ReportTable, counters: Counters): string {
  const [head, ...body] = table
  counters.tables += 1
  if (!head) throw mismatch('E_EMPTY', `htmlReport table ${counters.tables}`, 'a head row', 'none')
  const uneven = table.find((row) => row.length !== head.length)
  if (uneven)
    throw mismatch('E_SHAPE', `htmlReport table ${counters.tables}`, `${head.length} cells a row`, uneven.length)
  const columns = head.map((_, c) => body.map((row) => row[c]))
  const fraction = columns.map((cells) => cells.some((cell) => typeof cell === 'number' && cell % 1 !== 0))
  const right = columns.map((cells) => cells.some((cell) => looksNumeric(cell)) && cells.every(isNumericOrEmpty))
  const show = (cell: ReportCell, c: number): string => {
    if (cell === undefined) return ''
    if (typeof cell === 'string') return inlineMarkdown(cell)
    return escapeHtml((fraction[c] ? roundedText(cell, digits) : String(cell)).replace(/^-/, '\u2212'))
  }
  const row = (cells: readonly ReportCell[], tag: 'th' | 'td') => {
    const scope = tag === 'th' ? ' scope="col"' : ''
    return `<tr>${cells.map((cell, c) => `<${tag}${scope}${right[c] ? ' class="n"' : ''}>${show(cell, c)}</${tag}>`).join('')}</tr>`
  }
  const label = caption ? `<caption>Table ${counters.tables}. ${inlineMarkdown(caption)}</caption>` : ''
  const rows = body.map((cells) => row(cells, 'td')).join('\n')
  return `<div class="table"><table>${label}<thead>${row(head, 'th')}</thead>\n<tbody>${rows}</tbody></table></div>`
}

function looksNumeric(cell: ReportCell): boolean {
  return typeof cell === 'number' || (typeof cell === 'string' && /^[*\s]*[-\u2212+]?\d/.test(cell))
}

function isNumericOrEmpty(cell: ReportCell): boolean {
  return cell === undefined || cell === '' || looksNumeric(cell)
}
