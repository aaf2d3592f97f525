// Likelihood ratios on real images: a model of the data against a model of its background, pixel by pixel.
import { mismatch, type NdArray } from '@ood/core'
import { calibration, detector, packNumbers, restoreDetector, type StoredDetector } from '@ood/detect'
import { likelihoodRatio } from '@ood/llr'
import type { Decisions } from '@ood/roc'
import { type Run, readWholeNumber } from '@ood/run'
import type { Bench } from '../common/bench.ts'
import { availableDirections } from '../common/checkpoints.ts'
import type { CommonOptions } from '../common/command-line.ts'
import { flaggedShare } from '../common/decisions.ts'
import { type Example, mainOf } from '../common/example.ts'
import { checkpointsFlag, modelFlag } from '../common/flags.ts'
import { factsOf } from '../common/model-facts.ts'
import { byName, type Direction, mean } from '../common/splits.ts'
import { type Choices, choose, methods } from './choose.ts'
import { type DirectionResult, type Evaluation, evaluate } from './evaluate.ts'
import {
  likelihoodsOf,
  loadImages,
  measure,
  measureMaps,
  type Pair,
  pairEndings,
  setNames,
  withPair,
} from './measure.ts'
import { files, report } from './report.ts'

/** Options of this example alone. */
interface Extra {
  model: string
  checkpoints: string | undefined
  /** Images drawn from each semantic model. */
  samples: number
}

export const example: Example<Extra, DirectionResult[]> = {
  name: 'likelihood-ratio',
  about: `Two models of one data set, one of them trained on images with pixels replaced at random: the ratio of their likelihoods
tells Fashion-MNIST from MNIST where either likelihood alone takes one for the other.`,
  n: 128,
  rows: 'images a split',
  flags: {
    model: modelFlag('pixelcnn', 'which pair: pixelcnn (default), flow, or what the names in --checkpoints begin with'),
    checkpoints: checkpointsFlag(
      'take DIR/NAME-fmnist and DIR/NAME-fmnist-background (and -mnist where there) instead of the shipped ones',
    ),
    samples: {
      value: 'N',
      help: 'draw N images from each model (default 0; a PixelCNN++ takes 785 evaluations for them)',
      read(text = '0', name) {
        const count = readWholeNumber(name, text, 0)
        if (count > 64) throw mismatch('E_ARGUMENT', name, 'at most 64 images', count)
        return count
      },
    },
  },
  // Pairs of different kinds get folders of their own, so that neither has to be named to keep the other.
  runName: ({ model }) => (model === 'pixelcnn' ? 'likelihood-ratio' : `likelihood-ratio-${model}`),
  prepare(options) {
    availableDirections(options.model, options.checkpoints, pairEndings, (line) => process.stderr.write(line))
    return options
  },

  async work(bench, options) {
    const all: DirectionResult[] = []
    for (const direction of availableDirections(options.model, options.checkpoints, pairEndings))
      all.push(await runDirection(bench, direction, options))
    return all
  },

  /** Fields of the first direction at the top, all directions under `directions`. */
  summary(all, { n }) {
    const directions = Object.fromEntries(all.map((result) => [result.direction.key, directionSummary(result)]))
    const { key } = all[0]!.direction
    return { n, direction: key, ...directions[key], directions }
  },

  files,
  report,
}

export const main = mainOf(example)

async function runDirection(
  bench: Bench,
  direction: Direction,
  options: CommonOptions & Extra,
): Promise<DirectionResult> {
  const { signal } = bench
  const { checkpoint: name } = direction
  const images = await loadImages(direction, options, signal)
  return await withPair(name, options.checkpoints, options.workers, async (pair) => {
    const sets = await measure(bench, name, pair, images)
    const maps = await measureMaps(bench, name, pair, images)
    const samples = options.samples > 0 ? await drawSamples(bench, name, pair, options.samples) : undefined
    // The only input of every choice: training and validation images.
    const choices = choose({ in_distr_train: sets.in_distr_train, ood_train: sets.ood_train })
    const evaluation = evaluate(sets, choices)
    saveDetector(bench.run, name, pair, choices, evaluation)
    const models = { semantic: factsOf(pair.semantic.manifest), background: factsOf(pair.background.manifest) }
    const secondsPerImage = bench.seconds(likelihoodsOf(pair))
    const validation = options.dataDir !== undefined
    return { direction, validation, models, sets, choices, evaluation, maps, samples, secondsPerImage }
  })
}

async function drawSamples(bench: Bench, name: string, { semantic }: Pair, n: number): Promise<NdArray> {
  const { run, seed, signal } = bench
  const onProgress = (at: Parameters<Bench['onProgress']>[0]) => bench.onProgress({ ...at, label: `${name} samples` })
  const draw = () => semantic.sample(n, { seed, signal, onProgress })
  return await run.step(`${name}/samples`, draw, { key: semantic.manifest.sha256 })
}

/** Writes the detector as it would be deployed, with the threshold of in-distribution images alone. */
function saveDetector(
  run: Run<unknown>,
  name: string,
  { semantic, background }: Pair,
  { falsePositiveRate }: Choices,
  { scores }: Evaluation,
): void {
  const known = calibration(scores.in_distr_train.llr)
  const method = likelihoodRatio({ semantic, background })
  const state: StoredDetector = {
    ...detector(method, { dataType: 'image' }).toJSON(),
    threshold: known.threshold({ falsePositiveRate }),
    reference: packNumbers(known.scores),
    referenceOf: 'threshold',
  }
  run.writeJson(`${name}/detector.json`, restoreDetector(state, method).toJSON())
}

function directionSummary({ evaluation, choices, models, sets, secondsPerImage }: DirectionResult): object {
  const { results, gain } = evaluation
  const { threshold, f1, accuracy, precision, recall, ...confusion } = results.llr.decided.contaminated
  const images = setNames.reduce((sum, set) => sum + sets[set].semantic.length, 0)
  return {
    auc: byName(methods, (method) => results[method].auc),
    interval: byName(methods, (method) => results[method].interval),
    ...{ gain, f1, accuracy, precision, recall, threshold, confusion },
    contaminatedImages: choices.contaminatedImages,
    clean: { falsePositiveRate: choices.falsePositiveRate, ...flagged(results.llr.decided.clean) },
    methods: byName(methods, (method) => {
      const { auc, decided } = results[method]
      return { auc, contaminated: decided.contaminated, clean: flagged(decided.clean) }
    }),
    mean: byName(setNames, (set) => {
      const [semantic, background] = [mean(sets[set].semantic), mean(sets[set].background)]
      const complexityBits = mean(sets[set].complexity)
      return { images: sets[set].semantic.length, semantic, background, ratio: semantic - background, complexityBits }
    }),
    entropy: choices.entropy,
    joint: choices.joint,
    models,
    // Of scoring under both models, at the pace of the quickest set.
    seconds: secondsPerImage * images,
    secondsPerImage,
  }
}

/** Decisions with the share of each set that is flagged. */
function flagged(decided: Decisions): object {
  return { ...decided, flagged: { in_distr_test: flaggedShare(decided), ood: decided.recall } }
}
