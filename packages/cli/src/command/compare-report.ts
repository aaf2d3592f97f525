// The report of a comparison: one table, and how the best methods separate the sets.
import { mean } from '@ood/core'
import type { Comparison, MethodResult } from '@ood/methods'
import { histogramPlot, htmlReport, type ReportBlock, renderSvg } from '@ood/plots'
import type { SkippedImages } from './skipped.ts'

/** What was compared, for the report's head. */
interface ReportFacts {
  title: string
  train: string
  models: readonly string[]
  /** Images left out because they could not be read, by set. */
  skipped: SkippedImages
}

/** Methods that get a figure. */
const SHOWN = 4

/** Methods, best mean AUROC first. */
export function byMean(results: readonly MethodResult[]): MethodResult[] {
  return [...results].sort((a, b) => b.meanAuroc - a.meanAuroc)
}

/** `report.html`: AUROC with intervals of every method and set, and score histograms of the best methods. */
export async function comparisonReport(
  { results, failures }: Comparison,
  { title, train, models, skipped }: ReportFacts,
): Promise<string> {
  const ranked = byMean(results)
  const sets = ranked[0]?.rows.map(({ set }) => set) ?? []
  const figures: ReportBlock[] = []
  for (const result of ranked.slice(0, SHOWN)) figures.push({ svg: await histogram(result), caption: caption(result) })
  const best = ranked[0]
  return htmlReport({
    title,
    intro: `Every method was fitted on ${train} and on nothing else; its threshold is the score that 5 % of those images exceed, each scored by a fit without it where the method learns. Models: ${models.join(', ')}.`,
    highlights: best ? [{ value: best.meanAuroc.toFixed(3), label: `mean AUROC of ${best.method}, the best` }] : [],
    sections: [
      {
        heading: 'Methods',
        blocks: [
          {
            table: [
              [
                'method',
                'source',
                ...sets.map((set) => `AUROC ${set}`),
                'mean',
                'FPR@95',
                'AUPR',
                'flagged inside',
                's/image',
              ],
              ...ranked.map(({ method, source, rows, meanAuroc, falsePositiveRate, seconds }) => [
                method,
                source,
                ...rows.map(
                  ({ auroc, interval: [low, high] }) => `${auroc.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`,
                ),
                meanAuroc.toFixed(3),
                mean(rows.map(({ fprAt95 }) => fprAt95)).toFixed(3),
                mean(rows.map(({ aupr }) => aupr)).toFixed(3),
                `${(100 * falsePositiveRate).toFixed(1)} %`,
                seconds < 0.0005 ? '< 0.001' : seconds.toFixed(3),
              ]),
            ],
            caption:
              'AUROC with 95 % interval (DeLong; it has no width where the scores do not overlap). FPR@95 and AUPR are means over the sets. Flagged inside: in-distribution images above the threshold, nominally 5 %.',
          },
          ...(failures.length > 0
            ? [{ text: failures.map(({ method, error }) => `- ${method}: ${error}`).join('\n') }]
            : []),
          ...(Object.keys(skipped).length > 0 ? [{ text: skippedText(skipped) }] : []),
        ],
      },
      { heading: 'The best methods', blocks: figures.length > 0 ? figures : [{ text: 'No method ran.' }] },
    ],
  })
}

async function histogram({ method, scores, rows }: MethodResult): Promise<string> {
  const series = [
    { name: 'in-distribution', values: scores.in! },
    ...rows.slice(0, 3).map(({ set }) => ({ name: set, values: scores[set]! })),
  ]
  return renderSvg(histogramPlot({ title: method, subtitle: 'scores', series, xTitle: 'score (higher = more OOD)' }))
}

function caption({ method, rows, falsePositiveRate }: MethodResult): string {
  const flagged = rows.map(({ set, flagged: share }) => `${(100 * share).toFixed(0)} % of ${set}`)
  return `${method} flags ${(100 * falsePositiveRate).toFixed(1)} % of the in-distribution images, ${flagged.join(', ')}.`
}

function skippedText(skipped: SkippedImages): string {
  return Object.entries(skipped)
    .map(([set, { count, reasons }]) => `- ${count} broken of ${set} left out, such as: ${reasons.join('; ')}`)
    .join('\n')
}
