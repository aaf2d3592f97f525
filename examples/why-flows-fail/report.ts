// What the report shows: figures, tables and the numbers of its words, which are in report.md.
import { histogramPlot, shareText } from '@ood/plots'
import type { CommonOptions } from '../common/command-line.ts'
import { type Report, wordsBeside } from '../common/example.ts'
import { type Figure, figure } from '../common/figures.ts'
import { aucWords, rangeText } from '../common/report-text.ts'
import { mean } from '../common/splits.ts'
import { type Claim, claims, evaluate, type Judged, judge, type Scores } from './evaluate.ts'
import type { Latents, Maps } from './inside.ts'
import { type FlowName, flowNames, pixelFlows, type TableName } from './models.ts'
import { type ImageSet, INSIDE, otherSet, TRAINED_AGAINST } from './sets.ts'

/** Everything known when the run ends. */
export interface Result {
  sets: readonly ImageSet[]
  scores: Scores
  latents?: Latents | undefined
  maps: Partial<Record<FlowName, Maps>>
  /** Numbers an image. */
  dimension: number
  /** Checkpoints that were not found. */
  missing: readonly string[]
}

/** Colours of the sets that other reports have as well. */
const styles: Record<string, string> = { [INSIDE]: 'in_distr_test', [TRAINED_AGAINST]: 'ood', train: 'in_distr_train' }

/** Mean bits/dim of the test images. */
export function bitsPerDim({ scores, dimension }: Result, name: FlowName): number {
  return mean(scores.flows[name]![INSIDE]!) / (dimension * Math.LN2)
}

export function report(result: Result, { dataDir }: Pick<CommonOptions, 'dataDir'>): Report {
  const { sets, latents, maps, missing } = result
  const { flows, features, tables } = result.scores
  const all = evaluate(result.scores)
  const n = sets[1]!.images.shape[0]!
  const labels = Object.fromEntries(sets.map(({ name, label }) => [name, label]))
  const other = otherSet(Object.keys(labels))
  const outside = sets.filter(({ name }) => name !== 'train' && name !== INSIDE)
  const pair = [INSIDE, TRAINED_AGAINST]
  const measured = flowNames.filter((name) => flows[name])

  type Values = Record<string, Float64Array> | undefined
  const histogram = (name: string, title: string, of: Values, only = pair, size = {}): Figure | undefined => {
    if (of === undefined) return undefined
    const series = only.map((set) => ({
      name: styles[set] ?? set,
      label: labels[set] ?? set,
      values: of[set]!.map((nats) => -nats),
    }))
    return figure(name, histogramPlot({ title, xTitle: 'log p (nats)', bins: n < 256 ? 20 : 40, ...size, series }))
  }
  const small = { width: 330, height: 210 }
  /** Two flows beside each other, and on every set. */
  const compared = (titles: [string, string], [one, two]: [Values, Values], only = pair) =>
    two && {
      before: histogram(titles[0], titles[0], one, only, small),
      after: histogram(titles[1], titles[1], two, only, small),
      table: {
        table: [
          ['', ...titles],
          ...outside.map(({ name, label }) => [label, judge(one, name)?.auc, judge(two, name)?.auc]),
        ],
      },
      packaged: dataDir === undefined,
    }
  const cells = (judged: Judged) => (judged ? [judged.auc, rangeText(judged.interval)] : ['', ''])
  const highlight = (label: string, judged: Judged) =>
    judged ? [{ label, ...aucWords(judged.auc, { n, ...judged }) }] : []
  const variants = (['checkerboard', 'horizontal', 'cycle', 'bottleneck'] as const).filter((name) => flows[name])
  const classes = (learned: TableName, ood: TableName) => {
    const series = [learned, ood].map((name, i) => ({
      name: i === 0 ? 'in_distr_test' : 'ood',
      label: name,
      values: tables[learned]?.[name].map((nats) => -nats) ?? [],
    }))
    const plot = { title: `Learned: ${learned}`, xTitle: 'log p (nats)', yTitle: 'share of rows', bins: 20 }
    return tables[learned] && figure(`table-${learned}`, histogramPlot({ ...plot, ...small, series }))
  }

  const values = {
    pixels: all.pixels ? shareText(all.pixels.auc, { n }) : 'not measured',
    missing: missing.join(', '),
    highlights: [
      ...highlight('AUC of pixels, RealNVP', all.pixels),
      ...highlight('AUC after training against MNIST', all.negative.trained),
      ...highlight('AUC of a flow of features', all.features),
    ],
    claims: { table: [['', 'paper', 'here', 'holds'], ...claimsOf(result).map(claimRow)] },
    measured: measured.length > 0,
    likelihoods: histogram('likelihoods', 'RealNVP of Fashion-MNIST', flows.pixels, [
      'train',
      ...pair,
      other,
      'inverted',
    ]),
    sets: {
      table: [
        ['', 'bits/dim', ...outside.map(({ label }) => label)],
        ...measured.map((name) => [
          pixelFlows[name].title,
          bitsPerDim(result, name).toFixed(2),
          ...outside.map((set) => judge(flows[name], set.name)?.auc),
        ]),
      ],
    },
    latents: latents && figure('latents', latents.picture),
    hasMaps: Object.keys(maps).length > 0,
    maps: Object.entries(maps).map(([name, { picture, prediction }]) => ({
      picture: figure(`maps-${name}`, picture),
      inside: prediction[INSIDE]!.toFixed(2),
      ood: prediction[TRAINED_AGAINST]!.toFixed(2),
    })),
    variants: variants.length > 0 && {
      ...Object.fromEntries(
        (['checkerboard', 'horizontal', 'cycle', 'bottleneck'] as const).map((name) => [
          name,
          histogram(name, pixelFlows[name].title, flows[name], pair, small),
        ]),
      ),
      table: {
        table: [
          ['', 'bits/dim', 'AUC against MNIST', '95 % interval'],
          ...variants.map((name) => [
            pixelFlows[name].title,
            bitsPerDim(result, name).toFixed(2),
            ...cells(judge(flows[name])),
          ]),
        ],
      },
    },
    negative: compared(['before', 'after'], [flows.pixels, flows.negative], [...pair, other]),
    features: compared(['pixels', 'features'], [flows.pixels, features]),
    tables: Object.keys(tables).length > 0 && {
      benign: classes('benign', 'malignant'),
      malignant: classes('malignant', 'benign'),
      table: {
        table: [
          ['learned', 'AUC, flow', '95 % interval', 'distance from the mean'],
          ['benign', ...cells(all.tabular), all.distance?.auc],
          ['malignant', ...cells(all.tabularMirror), all.distanceMirror?.auc],
        ],
      },
    },
  }
  return { ...wordsBeside(import.meta.url, values), rows: { label: 'images', value: `${n} a set` } }
}

/** The paper's claims on a result. */
export function claimsOf({ scores, latents, maps }: Result): Claim[] {
  const prediction = Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, map.prediction]))
  return claims(evaluate(scores), { edges: latents?.edges, prediction })
}

const claimRow = ({ about, paper, ours, holds }: Claim) => [
  about,
  paper,
  ours,
  holds === undefined ? '' : holds ? 'yes' : '**no**',
]
