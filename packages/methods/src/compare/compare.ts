// Runs many methods on the same images: each column measured once, each method fitted on training images alone.
import { type CallOptions, mean, mismatch, type NdArray, OodError } from '@ood/core'
import { calibration, fitMethod, heldOutScores, type Method } from '@ood/detect'
import { auroc, averagePrecision, delongInterval, falsePositiveRateAtTruePositiveRate } from '@ood/roc'
import { type ColumnStore, createMeasurer, type Measurer } from './measurer.ts'

/** What is compared on what. */
export interface CompareOptions extends CallOptions {
  /** Methods by the name tables call them. */
  methods: Readonly<Record<string, Method>>
  /** Training images: the only ones that fitting sees. */
  train: NdArray
  /** In-distribution images that were not trained on. */
  inDistribution: NdArray
  /** Sets of OOD images by name. */
  ood: Readonly<Record<string, NdArray>>
  /** Where columns are kept over kills. */
  store?: ColumnStore | undefined
  /** Measures and remembers columns, in place of `store`: several comparisons then share those of the same sets. */
  measurer?: Measurer | undefined
  /** Name of the in-distribution set in stored columns (default `in`). */
  inName?: string | undefined
  /** False-positive rate that thresholds are set for, on training images (default 0.05). */
  falsePositiveRate?: number | undefined
}

/** One method against one OOD set. */
export interface ComparisonRow {
  method: string
  set: string
  auroc: number
  /** 95 % interval of the AUROC (DeLong et al. 1988). */
  interval: [number, number]
  /** Share of in-distribution images above the score that 95 % of the OOD images reach. */
  fprAt95: number
  /** Area under the precision-recall curve, OOD images the positives. */
  aupr: number
  /** Share of the set above the threshold. */
  flagged: number
}

/** One method over all sets. */
export interface MethodResult {
  method: string
  source: string
  /** Seconds an image that its measurements took, alone. */
  seconds: number
  /** Mean AUROC over the sets. */
  meanAuroc: number
  /** Share of in-distribution images above the threshold. */
  falsePositiveRate: number
  rows: ComparisonRow[]
  /** Scores by set, `in` for the in-distribution images. */
  scores: Record<string, Float64Array>
}

/** A method that could not be run, and why. */
export interface MethodFailure {
  method: string
  error: string
}

/** Everything `compare` found. */
export interface Comparison {
  results: MethodResult[]
  failures: MethodFailure[]
}

/**
 * Compares methods. Every column is measured once for all of them; every method is fitted on the training images and
 * sees nothing else; its threshold is set on training images too, each scored by a fit without it (`heldOutScores`). A method that fails, such as one whose scale rule finds
 * no scale, is reported and does not end the comparison.
 *
 * @throws OodError `E_ARGUMENT` without methods or OOD sets, `E_ABORTED`; what the models throw for bad images
 * @example
 * const { results } = await compare({ methods: { ratio }, train, inDistribution, ood: { digits } })
 */
export async function compare(options: CompareOptions): Promise<Comparison> {
  const { methods, train, inDistribution, ood, falsePositiveRate = 0.05, inName = 'in', store, ...call } = options
  if (Object.keys(methods).length === 0) throw mismatch('E_ARGUMENT', 'compare methods', 'at least one', 'none')
  if (Object.keys(ood).length === 0) throw mismatch('E_ARGUMENT', 'compare ood', 'at least one set', 'none')
  for (const set of ['train', inName])
    if (Object.hasOwn(ood, set))
      throw mismatch('E_ARGUMENT', 'compare ood', `a name other than train and ${inName}`, set)
  const measurer = options.measurer ?? createMeasurer({ ...call, store })
  const results: MethodResult[] = []
  const failures: MethodFailure[] = []
  for (const [name, method] of Object.entries(methods)) {
    try {
      results.push(await one(name, method, measurer, { train, inDistribution, inName, ood, falsePositiveRate }))
    } catch (error) {
      if (!(error instanceof OodError) || error.code === 'E_ABORTED') throw error
      failures.push({ method: name, error: error.message })
    }
  }
  return { results, failures }
}

/** The images a method is run on. */
interface Sets extends Pick<CompareOptions, 'train' | 'inDistribution' | 'ood'> {
  inName: string
  falsePositiveRate: number
}

async function one(
  name: string,
  method: Method,
  measurer: Measurer,
  { train, inDistribution, inName, ood, falsePositiveRate }: Sets,
): Promise<MethodResult> {
  const { fit, columns } = await fitMethod(method, (needs) => measurer.measure(needs, 'train', train))
  const needs = method.needs(fit)
  const score = async (set: string, x: NdArray): Promise<Float64Array> =>
    method.score(await measurer.measure(needs, set, x), fit)
  const training = heldOutScores(method, columns, fit)
  const threshold = calibration(training).threshold(Math.max(falsePositiveRate, 1 / training.length))
  const share = (scores: Float64Array): number => scores.filter((value) => value > threshold).length / scores.length
  const inside = await score(inName, inDistribution)
  const scores: Record<string, Float64Array> = { in: inside }
  const rows: ComparisonRow[] = []
  for (const [set, images] of Object.entries(ood)) {
    const outside = await score(set, images)
    scores[set] = outside
    const { lower, upper } = delongInterval(outside, inside)
    rows.push({
      method: name,
      set,
      auroc: auroc(outside, inside),
      interval: [lower, upper],
      fprAt95: falsePositiveRateAtTruePositiveRate(
        { inDistribution: inside, outOfDistribution: outside },
        { convention: 'oodPositive' },
      ),
      aupr: averagePrecision(outside, inside),
      flagged: share(outside),
    })
  }
  return {
    method: name,
    source: method.source,
    seconds: measurer.seconds(needs),
    meanAuroc: mean(rows.map((row) => row.auroc)),
    falsePositiveRate: share(inside),
    rows,
    scores,
  }
}
