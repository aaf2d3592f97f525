// One diffusion model on its four splits: what is measured, and what either LID method makes of it.
import type { NdArray } from '@ood/core'
import { array, type Columns, logProbOf, type Measurement, measurement, type Needs, vector } from '@ood/detect'
import {
  artifactOf,
  flipd,
  linspace,
  normalBundle,
  normalBundleDimension,
  readCurves,
  type ScaleCurves,
  type SingularValues,
} from '@ood/lid'
import { auroc } from '@ood/roc'
import type { Bench } from '../common/bench.ts'
import { likelihoodOf, type Measurable } from '../common/diffusion.ts'
import type { AucPair } from '../common/judge.ts'
import { type LidStudy, studyLid } from '../common/lid-study.ts'
import { byName, type Direction, eachName, mean, type SplitName, splitNames } from '../common/splits.ts'
import { choose, type Method, type ScaleRuleName } from './choose.ts'

/** What is measured on one split, one row an image. */
export interface Measured {
  /** log p in the network's space, at noise of about one grey level, with error control. */
  logProb: Float64Array
  /** The published ten-step recipe's value of the same. */
  referenceLogProb: Float64Array
  curves: ScaleCurves
  /** Singular values of the normal bundle; undefined when it was left out. */
  bundle: SingularValues | undefined
}

/** One LID method in one direction. */
export interface MethodResult {
  method: Method
  study: LidStudy<ScaleRuleName>
  /** LID of a split at any scale, from what was prepared. */
  lidAt(split: SplitName, scale: number): Float64Array
  /** Mean standard error of the LIDs from their probes; 0 for methods without probes. */
  standardError: number
  /** Seconds an image at one scale. */
  seconds: number
}

/** Everything known about one direction when the run ends. */
export interface DirectionResult {
  direction: Direction
  images: Record<SplitName, NdArray>
  splits: Record<SplitName, Measured>
  lpca: number
  /** By method; the first is the default. */
  methods: MethodResult[]
  /** AUC of the published ten-step likelihood alone. */
  referenceSingle: AucPair
}

/** What is measured with, and how finely. */
export interface Effort {
  /** Random probes a trace at the chosen scale; the curves use a quarter of them. */
  probes: number
  /** Noised copies of each image for the normal bundle; 0 leaves the method out. */
  scores: number
}

/** Scales of FLIPD curves: log tau from far below a grey level's noise to where images are gone. */
export const curveScales: Float64Array = linspace(-5.5, 0.5, 13)

/** Time of the normal bundle: the published runs'. */
const BUNDLE_TIME = 0.01

/** Columns of every split. */
function needsOf(model: Measurable, { probes, scores }: Effort): Needs {
  const preprocess = (x: NdArray, call?: object) => model.preprocess(x, call)
  const curve = flipd(model, { scales: curveScales, method: 'rademacher', probes: Math.ceil(probes / 4) })
  const bundle = () => normalBundle(model, { level: { t: BUNDLE_TIME }, scores })
  return {
    likelihood: likelihoodOf(model, 3),
    // The recipe has a seed of its own, 42.
    reference: logProbOf(model, { space: 'model', compat: 'reference', seed: 42 }),
    flipd: artifactOf({ estimator: curve, preprocess }),
    ...(scores > 0 ? { normalBundle: artifactOf({ estimator: bundle(), preprocess }) } : {}),
  }
}

/** FLIPD at one scale with all probes: columns `lid` and `standardError`. */
function flipdAt(model: Measurable, probes: number, scale: number): Measurement {
  const estimator = flipd(model, { method: 'rademacher', probes })
  return measurement('flipdAt', [model], { probes, scale }, ['lid', 'standardError'], async (x: NdArray, call) => {
    const { lid, standardError } = await estimator.at(await model.preprocess(x, call), { scale }, call)
    return { lid, standardError }
  })
}

/** Measures and studies one model: the scale of FLIPD comes from training images, so its last sweep is after the choice. */
export async function studyDiffusion(
  bench: Bench,
  name: string,
  model: Measurable,
  images: Record<SplitName, NdArray>,
  { lpca, ...effort }: Effort & { lpca: number },
): Promise<Pick<DirectionResult, 'splits' | 'methods' | 'referenceSingle'>> {
  const needs = needsOf(model, effort)
  const measure = (of: Needs) => eachName(splitNames, (split) => bench.columns(of, `${name}/${split}`, images[split]))
  const columns = await measure(needs)
  const splits = byName(splitNames, (split) => measuredOf(columns[split]))
  const logProb = byName(splitNames, (split) => splits[split].logProb)
  const { curves, bundle } = splits.in_distr_train
  const training = { logProb: logProb.in_distr_train, dimension: model.dimension, lpca }

  const choices = choose({ ...training, method: 'flipd', lid: readCurves, artifact: curves })
  const chosen = { flipd: flipdAt(model, effort.probes, choices.scales[choices.rules[0]!].scale) }
  const at = await measure(chosen)
  const curveAt = (split: SplitName, scale: number) => readCurves(splits[split].curves, scale)
  const methods: MethodResult[] = [
    {
      method: 'flipd',
      study: studyLid(choices, logProb, (split, rule, scale) =>
        rule === choices.rules[0] ? vector(at[split], 'flipd.lid') : curveAt(split, scale),
      ),
      lidAt: curveAt,
      standardError: mean(Float64Array.from(splitNames.flatMap((s) => [...vector(at[s], 'flipd.standardError')]))),
      seconds: bench.seconds(chosen),
    },
  ]
  if (bundle) {
    const lidAt = (split: SplitName, scale: number) => normalBundleDimension(splits[split].bundle!, scale)
    const rules = choose({ ...training, method: 'normalBundle', lid: normalBundleDimension, artifact: bundle })
    const study = studyLid(rules, logProb, (split, _rule, scale) => lidAt(split, scale))
    const seconds = bench.seconds({ normalBundle: needs.normalBundle! })
    methods.push({ method: 'normalBundle', study, lidAt, standardError: 0, seconds })
  }
  const reference = (split: SplitName) => auroc(splits[split].referenceLogProb, splits.ood.referenceLogProb)
  const referenceSingle = { inDistr: reference('in_distr_test'), generated: reference('generated') }
  return { splits, methods, referenceSingle }
}

function measuredOf(columns: Columns): Measured {
  return {
    logProb: vector(columns, 'likelihood.logProb'),
    referenceLogProb: vector(columns, 'reference.logProb'),
    curves: {
      scales: curveScales,
      lid: array(columns, 'flipd.lid'),
      standardError: array(columns, 'flipd.standardError'),
    },
    bundle: columns['normalBundle.singularValues'] && array(columns, 'normalBundle.singularValues'),
  }
}
