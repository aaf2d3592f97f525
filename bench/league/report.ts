// The league as Markdown: a table a side and half, best mean first.
import type { MethodResult } from '@ood/methods'
import type { Side } from './sets.ts'

/** What a run of one side found, as it is stored. */
export interface SideResult {
  side: Side
  n: number
  fit: number
  validation: Omit<MethodResult, 'scores'>[]
  report: Omit<MethodResult, 'scores'>[] | null
}

/** Names of the data sets as people write them. */
const TITLES = { 'fashion-mnist': 'Fashion-MNIST', mnist: 'MNIST' } as const

/** The whole page. `facts` says when and where it was run. */
export function leagueMarkdown(results: readonly SideResult[], facts: string): string {
  const parts = results.flatMap(({ side, n, fit, validation, report }) => [
    `## Trained on ${TITLES[side.dataset]}`,
    '',
    `Fitted on ${fit} training images. ${n} images a set; the in-distribution side of the validation half is ${n} training images that every training run held out.`,
    '',
    '### Validation sets: choices may look at them',
    '',
    table(validation),
    '',
    ...(report
      ? [
          '### Report sets: no choice has looked at them',
          '',
          'In-distribution images are of the test split.',
          '',
          table(report),
          '',
        ]
      : []),
  ])
  return [
    '# The league',
    '',
    'Every method of the registry (`ood methods`) on both shipped in-distribution sets, AUROC against each OOD set. "Flagged" is the share of in-distribution images above the threshold that 5 % of the *training* images exceed; seconds an image are those of the method alone.',
    '',
    facts,
    '',
    ...parts,
  ].join('\n')
}

function table(results: readonly Omit<MethodResult, 'scores'>[]): string {
  const sets = results[0]?.rows.map(({ set }) => set) ?? []
  const ranked = [...results].sort((a, b) => b.meanAuroc - a.meanAuroc)
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    row(['method', 'mean', ...sets, 'flagged', 's/image']),
    row(['---', ...sets.map(() => '---'), '---', '---', '---']),
    ...ranked.map(({ method, meanAuroc, rows, falsePositiveRate, seconds }) =>
      row([
        method,
        share(meanAuroc),
        ...rows.map(({ auroc }) => share(auroc)),
        `${(100 * falsePositiveRate).toFixed(1)} %`,
        seconds < 0.01 ? seconds.toFixed(4) : seconds.toFixed(2),
      ]),
    ),
  ].join('\n')
}

/** Three digits; an AUROC that is not exactly 1 does not print as 1. */
function share(value: number): string {
  const text = value.toFixed(3)
  return text === '1.000' && value < 1 ? '> 0.999' : text
}
