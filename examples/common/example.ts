// What an example is, and how every one of them runs: options, run folder, measuring, summary, report and table.
import { readFileSync } from 'node:fs'
import {
  htmlReport,
  type ReportFact,
  type ReportOptions,
  type ReportSection,
  type ReportTable,
  type TemplateValues,
  writtenReport,
} from '@ood/plots'
import { formatTable, openRun, progressBar, type Run, runFacts, type TableCell } from '@ood/run'
import { type Bench, createBench } from './bench.ts'
import { type CommandLine, type CommonOptions, commandOf, configOf, parseOptions, usage } from './command-line.ts'
import { drawBlocks, type Figure, type Section } from './figures.ts'

/** A report; its facts and its foot are the same for all examples, and its figures are drawn here. */
export interface Report extends Omit<ReportOptions, 'facts' | 'footer' | 'sections'> {
  sections: readonly Section[]
  /** On how much its numbers rest: `{ label: 'images', value: '64 a split' }`. */
  rows: ReportFact
  /** A sentence below the command. */
  footnote?: string
}

/** What a paper adds: which columns are measured, what is made of them, and what is said about it. */
export interface Example<Extra extends object, Result> extends CommandLine<Extra> {
  /** Completes and checks the options before anything is written. */
  prepare?(options: CommonOptions & Extra): (CommonOptions & Extra) | Promise<CommonOptions & Extra>
  /** Measures, chooses on training rows, evaluates. All numbers that follow are its result's. */
  work(bench: Bench, options: CommonOptions & Extra): Promise<Result>
  /** What `summary.json` has besides the example's name, its configuration and its seconds. */
  summary(result: Result, options: CommonOptions & Extra): object
  /** The table printed at the end, its head first (default: the report's first table). */
  table?(result: Result): readonly (readonly TableCell[])[]
  /** Writes the columns of every split as CSV. */
  files?(run: Run<unknown>, result: Result): void
  /** What is shown and said. */
  report(result: Result, options: CommonOptions & Extra): Report
}

/**
 * The report that `report.md` beside the module `here` (its `import.meta.url`) is with these values: text, figures and
 * tables by name, as `writtenReport` takes them. Who changes words does not touch code.
 */
export function wordsBeside(here: string, values: TemplateValues): Omit<Report, 'rows'> {
  const text = readFileSync(new URL('report.md', here), 'utf8')
  const { footer: footnote, ...report } = writtenReport<Figure>(text, values)
  return { ...report, ...(footnote === undefined ? {} : { footnote }) }
}

/** The main function of an example. */
export function mainOf<Extra extends object, Result>(
  example: Example<Extra, Result>,
): (argv: string[], signal: AbortSignal) => Promise<void> {
  return async (argv, signal) => {
    const parsed = parseOptions(example, argv)
    if (!parsed) {
      process.stdout.write(usage(example))
      return
    }
    const started = performance.now()
    const options = example.prepare ? await example.prepare(parsed) : parsed
    const config = configOf(example, options)
    const bar = progressBar(process.stderr)
    try {
      const run = openRun({ folder: options.folder, config: { example: example.name, ...config } })
      try {
        const bench = createBench({ run, seed: options.seed, signal, onProgress: bar.update })
        const result = await example.work(bench, options)
        // A resumed run knows how long its last start took, which says nothing.
        const seconds = run.resumed ? null : (performance.now() - started) / 1000
        const summary = { example: example.name, config, seconds, ...example.summary(result, options) }
        run.writeJson('summary.json', summary)
        const { path, table } = await writeReport(run, example, result, options)
        process.stdout.write(`${formatTable(example.table?.(result) ?? table)}\n\nreport: ${path}\n`)
        run.finish()
      } finally {
        run.close()
      }
    } finally {
      bar.stop()
    }
  }
}

/** Writes the CSVs, the figures and `report.html`; returns its path and its first table. */
export async function writeReport<Extra extends object, Result>(
  run: Run<unknown>,
  example: Example<Extra, Result>,
  result: Result,
  options: CommonOptions & Extra,
): Promise<{ path: string; table: ReportTable['table'] }> {
  example.files?.(run, result)
  const { rows, footnote, sections, ...report } = example.report(result, options)
  const drawn: ReportSection[] = []
  for (const section of sections) drawn.push({ heading: section.heading, blocks: await drawBlocks(run, section) })
  const facts = [rows, ...runFacts(run.events)]
  const footer = [commandOf(example, options), ...(footnote ? [footnote] : [])].join(' ')
  const path = run.writeText('report.html', htmlReport({ ...report, sections: drawn, facts, footer }))
  const first = drawn.flatMap(({ blocks }) => blocks).find((block) => 'table' in block)
  return { path, table: first?.table ?? [] }
}
