// What the report shows and says.
import { histogramPlot, shareText } from '@ood/plots'
import type { Report } from '../common/example.ts'
import { type Block, type Figure, figure, type Section } from '../common/figures.ts'
import { aucHighlight, rangeText } from '../common/report-text.ts'
import { mean } from '../common/splits.ts'
import { type Claim, claims, evaluate, type Judged, judge, type Scores } from './evaluate.ts'
import type { Latents, Maps } from './inside.ts'
import { type FlowName, flowNames, pixelFlows, tableNames } from './models.ts'
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

const small = { width: 330, height: 210 }
const cells = (judged: Judged) => (judged ? [judged.auc, rangeText(judged.interval)] : ['', ''])
const verdict = ({ holds }: Claim) => (holds === undefined ? 'not measured' : holds ? 'yes' : '**no**')

export function report({ sets, scores, latents, maps, dimension, missing }: Result): Report {
  const { flows, features, tables } = scores
  const all = evaluate(scores)
  const n = sets[1]!.images.shape[0]!
  const other = otherSet(sets.map(({ name }) => name))
  const labelOf = (set: string) => sets.find(({ name }) => name === set)!.label
  const prediction = Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, map.prediction]))
  const found = claims(all, { edges: latents?.edges, prediction })
  /** log p of some sets. */
  const histogram = (
    name: string,
    title: string,
    of: Record<string, Float64Array> | undefined,
    only: readonly string[],
    size = {},
  ): Figure[] =>
    of === undefined
      ? []
      : [
          figure(
            name,
            histogramPlot({
              title,
              xTitle: 'log p (nats)',
              bins: n < 256 ? 20 : 40,
              ...size,
              series: only.map((set) => ({
                name:
                  set === INSIDE
                    ? 'in_distr_test'
                    : set === TRAINED_AGAINST
                      ? 'ood'
                      : set === 'train'
                        ? 'in_distr_train'
                        : set,
                label: labelOf(set),
                values: of[set]!.map((nats) => -nats),
              })),
            }),
          ),
        ]
  const pair = [INSIDE, TRAINED_AGAINST]
  const measured = flowNames.filter((name) => flows[name])
  const bits = (name: FlowName) => (mean(flows[name]![INSIDE]!) / (dimension * Math.LN2)).toFixed(2)
  const section = (heading: string, wanted: unknown, blocks: readonly Block[]): Section[] =>
    wanted ? [{ heading, blocks }] : []
  const outside = sets.filter(({ name }) => name !== 'train' && name !== INSIDE)
  const highlight = (label: string, judged: Judged) =>
    judged ? [aucHighlight(label, judged.auc, { n, interval: judged.interval })] : []
  const variants = (['checkerboard', 'horizontal', 'cycle', 'bottleneck'] as const).filter((name) => flows[name])
  return {
    title: 'Why normalizing flows fail',
    intro: [
      `A flow of Fashion-MNIST finds digits likelier than clothes: the AUC of -log p against MNIST is ${shareText(all.pixels?.auc ?? Number.NaN, { n })}, where 0.5 is a coin. Kirichenko, Izmailov and Wilson 2020 say why: couplings predict a pixel from its neighbours, which works for any image. What takes the neighbours away, or replaces pixels by features, helps.`,
      ...(missing.length > 0 ? [`Not shown, because the checkpoint is not there: ${missing.join(', ')}.`] : []),
    ].join('\n\n'),
    rows: { label: 'images', value: `${n} a set` },
    highlights: [
      ...highlight('AUC of pixels, RealNVP', all.pixels),
      ...highlight('trained against MNIST', all.negative.trained),
      ...highlight('flow of features', all.features),
    ],
    sections: [
      {
        heading: 'What the paper claims, and what we see',
        blocks: [
          {
            table: [
              ['', 'paper', 'here', 'holds'],
              ...found.map((one) => [one.about, one.paper, one.ours, verdict(one)]),
            ],
            caption:
              'AUC: Fashion-MNIST test images against MNIST unless said otherwise; higher = OOD images are less likely. "Above" is: the 95 % intervals do not meet.',
          },
        ],
      },
      ...section('Likelihoods of many sets', measured.length > 0, [
        ...histogram(
          'likelihoods',
          pixelFlows.pixels.title,
          flows.pixels,
          sets.map(({ name }) => name),
        ),
        {
          table: [
            ['AUC of -log p', 'bits/dim', ...outside.map(({ label }) => label)],
            ...measured.map((name) => [
              pixelFlows[name].title,
              bits(name),
              ...outside.map((set) => judge(flows[name], set.name)?.auc),
            ]),
          ],
          caption:
            'Fashion-MNIST test images against each set. Below 0.5 the set is likelier than the images that the flow was trained for. Bits/dim: mean of the test images.',
        },
      ]),
      ...section('Latents', latents, [
        figure(
          'latents',
          latents?.picture ?? '',
          'Factor-outs and squeezes undone: every number of z stands where its pixel was. Were z noise, as for samples of the flow, nothing could be recognised. The average over noise draws shows outlines of clothes and digits alike: the flow transforms what an image looks like, not what it is.',
        ),
      ]),
      ...section('What couplings predict', Object.keys(maps).length > 0, [
        ...Object.entries(maps).map(([name, map]) =>
          figure(
            `maps-${name}`,
            map.picture,
            `y = (x + t) exp(s): -t is what the coupling expects of the pixels that it does not see. In the first coupling its correlation with them is ${map.prediction[INSIDE]!.toFixed(2)} for clothes and ${map.prediction[TRAINED_AGAINST]!.toFixed(2)} for digits.`,
          ),
        ),
      ]),
      ...section('Masks and bottleneck', variants.length > 0, [
        {
          table: [
            ['four couplings, same steps', 'bits/dim', 'AUC against MNIST', '95 % interval'],
            ...variants.map((name) => [pixelFlows[name].title, bits(name), ...cells(judge(flows[name]))]),
          ],
          caption: 'Where a coupling cannot look at neighbours, likelihoods fall and AUC rises.',
        },
        variants.flatMap((name) => histogram(`mask-${name}`, pixelFlows[name].title, flows[name], pair, small)),
      ]),
      ...section('Negative training', flows.negative, [
        [
          ...histogram('before', 'Before', flows.pixels, [...pair, other], small),
          ...histogram('after', 'After', flows.negative, [...pair, other], small),
        ],
        {
          table: [
            ['AUC', 'before', 'after'],
            ...outside.map((set) => [
              set.label,
              judge(flows.pixels, set.name)?.auc,
              judge(flows.negative, set.name)?.auc,
            ]),
          ],
          caption:
            'The flow was trained on to lower the likelihood of MNIST training images. It never saw the other sets.',
        },
      ]),
      ...section('Features instead of pixels', features, [
        [
          ...histogram('pixels', 'Pixels', flows.pixels, pair, small),
          ...histogram('features', 'Features of a classifier', features, pair, small),
        ],
        {
          table: [
            ['AUC', 'pixels', 'features'],
            ...outside.map((set) => [set.label, judge(flows.pixels, set.name)?.auc, judge(features, set.name)?.auc]),
          ],
          caption: 'The classifier was trained on Fashion-MNIST; the flow knows the features of its training images.',
        },
      ]),
      ...section('A table', Object.keys(tables).length > 0, [
        tableNames.flatMap((learned) => {
          const of = tables[learned]
          if (!of) return []
          const series = tableNames.map((name) => ({
            name: name === learned ? 'in_distr_test' : 'ood',
            label: name,
            values: of[name].map((nats) => -nats),
          }))
          return [
            figure(
              `table-${learned}`,
              histogramPlot({
                title: `Learned: ${learned}`,
                xTitle: 'log p (nats)',
                yTitle: 'share of rows',
                bins: 20,
                ...small,
                series,
              }),
            ),
          ]
        }),
        {
          table: [
            ['learned', 'AUC against the other class', '95 % interval'],
            ['benign', ...cells(all.tabular)],
            ['malignant', ...cells(all.tabularMirror)],
          ],
          caption:
            'Wisconsin diagnostic breast cancer: 30 measurements of 90 benign and 53 malignant tumours that no flow was trained on. The paper has HEPMASS and MINIBOONE.',
        },
      ]),
    ],
  }
}
