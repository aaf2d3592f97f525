// A report whose words are a Markdown file: headings, paragraphs and captions with places for numbers, figures and tables.
import { mismatch } from '@ood/core'
import type { ReportFigure, ReportHighlight, ReportTable } from './report.ts'
import { fillTemplate, type TemplateValues } from './template.ts'

/** What `writtenReport` gives: options of `htmlReport`, when `Figure` is `ReportFigure`. */
export interface WrittenReport<Figure extends object = ReportFigure> {
  title: string
  intro?: string
  highlights: ReportHighlight[]
  sections: { heading: string; blocks: WrittenBlock<Figure>[] }[]
  /** What follows the line `---`. */
  footer?: string
}

/** One piece of a section. */
export type WrittenBlock<Figure extends object> = { text: string } | Figure | ReportTable | { figures: Figure[] }

// Stands in the filled text for a value that is not text; no Markdown file has this character.
const MARK = '\u0000'

/**
 * Fills a report in Markdown, a template as `fillTemplate` takes it:
 *
 * - `# ` begins the title, `## ` a section; the paragraphs before the first section are the intro, what follows a line
 *   `---` is the footer.
 * - `> 0.98 | what it is | its interval` in the intro is a number in large type; the third part may be left out.
 * - A line `![caption]({{name}})` shows the figure or table of that name with its caption, or its own where the brackets
 *   are empty. Figures on lines without a blank one between are side by side. One that is `undefined` is left out.
 *
 * @throws OodError `E_UNKNOWN_NAME` for a name that no value has, `E_ARGUMENT` without title or for a figure within a line
 * @example
 * const text = '# Likelihoods\n\nAUC {{auc}}.\n\n## Figure\n\n![Digits lie to the right.]({{histogram}})'
 * htmlReport(writtenReport(text, { auc: '0.21', histogram: { svg } }))
 */
export function writtenReport<Figure extends object = ReportFigure>(
  markdown: string,
  values: TemplateValues,
): WrittenReport<Figure> {
  const shown: object[] = []
  const filled = fillTemplate(markdown.replace(/\r\n?/g, '\n'), values, (value) => {
    if (typeof value === 'object' && value !== null) return `${MARK}${shown.push(value) - 1}`
    return String(value ?? '')
  })
  const [body, footer] = filled.split(/^---[ \t]*$/m, 2) as [string, string?]
  const [head, ...sections] = body.split(/^## +/m) as [string, ...string[]]
  const [first, ...intro] = head.trim().split('\n') as [string, ...string[]]
  if (!/^# +\S/.test(first)) throw mismatch('E_ARGUMENT', 'first line of a report', '# and a title', first)
  const words = wordsOf(intro.filter((line) => !line.startsWith('> ')))
  return {
    title: wordsOf([first.replace(/^# +/, '')]),
    ...(words && { intro: words }),
    highlights: intro.filter((line) => line.startsWith('> ')).map(highlightOf),
    sections: sections.map((section) => {
      const [heading, ...lines] = section.split('\n') as [string, ...string[]]
      return { heading: wordsOf([heading]), blocks: blocksOf<Figure>(lines, shown) }
    }),
    ...(footer?.trim() && { footer: wordsOf([footer]) }),
  }
}

function highlightOf(line: string): ReportHighlight {
  const [value, label = '', note] = wordsOf([line.slice(2)]).split(/ *\| */) as [string, string?, string?]
  return { value, label, ...(note && { note }) }
}

function blocksOf<Figure extends object>(lines: readonly string[], shown: readonly object[]): WrittenBlock<Figure>[] {
  const blocks: WrittenBlock<Figure>[] = []
  let text: string[] = []
  let row: object[] = []
  const flushText = () => {
    const words = wordsOf(text)
    if (words) blocks.push({ text: words })
    text = []
  }
  const flushRow = () => {
    // Tables have the width of the page: they stand one below the other.
    if (row.length > 1 && !row.some((item) => 'table' in item)) blocks.push({ figures: row as Figure[] })
    else blocks.push(...(row as Figure[]))
    row = []
  }
  for (const line of lines) {
    const [found, caption, at] = /^!\[(.*)\]\((.*)\)$/.exec(line.trim()) ?? []
    if (found === undefined) {
      if (row.length > 0) flushRow()
      text.push(line)
      continue
    }
    flushText()
    if (at === '') continue
    const item = at!.startsWith(MARK) ? shown[Number(at!.slice(1))] : undefined
    if (!item) throw mismatch('E_ARGUMENT', `![...](${at}) of a report`, 'the {{name}} of a figure or table', at)
    row.push(caption ? { ...item, caption: wordsOf([caption]) } : item)
  }
  flushRow()
  flushText()
  return blocks
}

/** Text without anything that has to be drawn. */
function wordsOf(lines: readonly string[]): string {
  const words = lines.join('\n').trim()
  const [before] = words.split(MARK)
  if (before !== words)
    throw mismatch('E_ARGUMENT', `report after "${before!.slice(-40)}"`, 'text', 'a figure, table or list')
  return words
}
