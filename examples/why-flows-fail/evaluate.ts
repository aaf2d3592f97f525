// From scores to AUCs, and from AUCs to what holds of the paper's claims.
import { auroc } from '@ood/roc'
import { intervalOf } from '../common/judge.ts'
import type { FlowName, TableName } from './models.ts'
import { INSIDE, otherSet, TRAINED_AGAINST } from './sets.ts'

/** -log p in nats by model and set; what was not measured is absent. */
export interface Scores {
  flows: Partial<Record<FlowName, Record<string, Float64Array>>>
  features?: Record<string, Float64Array> | undefined
  /** By the class that the flow has learned, and the class of the rows. */
  tables: Partial<Record<TableName, Record<TableName, Float64Array>>>
  /** The same without a flow: squared distance from the mean of the learned class, in its standard deviations. */
  distances: Partial<Record<TableName, Record<TableName, Float64Array>>>
}

/** An AUC with its 95 % interval; null where there was no model. */
export type Judged = { auc: number; interval: [number, number] } | null

/** How well OOD rows are told from in-distribution rows by -log p. */
export function judge(of: Record<string, Float64Array> | undefined, ood = TRAINED_AGAINST, inside = INSIDE): Judged {
  const [low, high] = [of?.[inside], of?.[ood]]
  return low && high ? { auc: auroc(high, low), interval: intervalOf(high, low) } : null
}

/** Every AUC of the report. */
export function evaluate({ flows, features, tables, distances }: Scores) {
  const other = otherSet(Object.keys(Object.values(flows)[0] ?? {}))
  return {
    pixels: judge(flows.pixels),
    glow: judge(flows.glow),
    masks: { checkerboard: judge(flows.checkerboard), horizontal: judge(flows.horizontal), cycle: judge(flows.cycle) },
    bottleneck: judge(flows.bottleneck),
    negative: { trained: judge(flows.negative), other: judge(flows.negative, other) },
    /** The same set before the negative training. */
    otherBefore: judge(flows.pixels, other),
    features: judge(features),
    /** Learned benign, tried on malignant; and the other way round. */
    tabular: judge(tables.benign, 'malignant', 'benign'),
    tabularMirror: judge(tables.malignant, 'benign', 'malignant'),
    distance: judge(distances.benign, 'malignant', 'benign'),
    distanceMirror: judge(distances.malignant, 'benign', 'malignant'),
  }
}
export type Evaluated = ReturnType<typeof evaluate>

/** What was seen inside the flows: correlations by set. */
export interface Inside {
  edges?: Record<string, { own: number; another: number }> | undefined
  prediction: Partial<Record<FlowName, Record<string, number>>>
}

/** A claim of the paper beside what was found; `holds` is undefined where a model is missing. */
export interface Claim {
  about: string
  paper: string
  ours: string
  holds: boolean | undefined
}

const text = (value: number | undefined): string => (value === undefined ? 'not measured' : value.toFixed(3))

/** The paper's claims in its order. "Clearly" is: the intervals do not meet. */
export function claims(of: Evaluated, { edges, prediction }: Inside): Claim[] {
  const auc = (judged: Judged) => text(judged?.auc)
  const above = (better: Judged, base: Judged) => better && base && better.interval[0] > base.interval[1]
  const claim = (about: string, paper: string, ours: string, holds: boolean | null | undefined): Claim => ({
    about,
    paper,
    ours,
    holds: holds ?? undefined,
  })
  const raised = (about: string, better: Judged) =>
    claim(
      about,
      'AUC above that of checkerboard masks',
      better ? `${auc(better)} against ${auc(of.masks.checkerboard)}` : auc(better),
      above(better, of.masks.checkerboard),
    )
  const pairs = (values: Record<string, number> | undefined) =>
    `${text(values?.[INSIDE])} in, ${text(values?.[TRAINED_AGAINST])} OOD`
  const { pixels: local, cycle: far } = prediction
  const both = edges && [edges[INSIDE]!, edges[TRAINED_AGAINST]!]
  return [
    claim(
      'pixels, RealNVP',
      'MNIST is likelier than Fashion-MNIST: AUC below 0.5',
      auc(of.pixels),
      of.pixels && of.pixels.auc < 0.5,
    ),
    claim('pixels, Glow', 'the same', auc(of.glow), of.glow && of.glow.auc < 0.5),
    claim(
      'latents',
      'the outline of the image is in z, in distribution and OOD',
      both
        ? `correlation of |z| with its own edges (another image's) ${both.map(({ own, another }) => `${text(own)} (${text(another)})`).join(' in, ')} OOD`
        : 'not measured',
      both?.every(({ own, another }) => own > another),
    ),
    claim(
      'checkerboard couplings',
      'predict pixels from their neighbours, of OOD images as well',
      `correlation of -t with the pixel ${pairs(local)}`,
      local && local[TRAINED_AGAINST]! > 0.8,
    ),
    claim(
      'cycle couplings',
      'must predict from afar, and fail on OOD images',
      `correlation ${pairs(far)}`,
      far && far[TRAINED_AGAINST]! < far[INSIDE]! - 0.1,
    ),
    raised('horizontal masks', of.masks.horizontal),
    raised('cycle masks', of.masks.cycle),
    raised('bottleneck', of.bottleneck),
    claim(
      'negative training',
      'the set trained against is detected nearly always',
      `${auc(of.pixels)} before, ${auc(of.negative.trained)} after; a set not trained against: ${auc(of.otherBefore)}, ${auc(of.negative.other)}`,
      of.negative.trained && of.negative.trained.auc >= 0.99,
    ),
    claim(
      'features',
      'flows of features detect better than flows of pixels',
      `${auc(of.features)} against ${auc(of.pixels)}`,
      above(of.features, of.pixels),
    ),
    claim(
      'tables',
      'one class is not well told from another (here: both AUCs below 0.9)',
      `${auc(of.tabular)} learned benign, ${auc(of.tabularMirror)} learned malignant; distance from the mean: ${auc(of.distance)}, ${auc(of.distanceMirror)}`,
      of.tabular && of.tabularMirror && Math.max(of.tabular.auc, of.tabularMirror.auc) < 0.9,
    ),
  ]
}
