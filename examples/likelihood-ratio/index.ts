// Likelihood ratios on real images: a model of the data against a model of its background, pixel by pixel.

import { type NdArray, OodError, type Progress } from '@ood/core'
import { calibration, detector, packNumbers, restoreDetector, type StoredDetector } from '@ood/detect'
import { likelihoodRatio } from '@ood/llr'
import type { Run } from '@ood/run'
import { type Direction, directionsOf } from '../common/splits.ts'
import { withRun } from '../common/with-run.ts'
import { type Choices, choose } from './choose.ts'
import { type Evaluation, evaluate } from './evaluate.ts'
import { loadImages, type SetName } from './images.ts'
import { type Measured, type MeasureOptions, measure, measuredSeconds, measureMaps } from './measure.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { missingOf, openPair, type Pair } from './pair.ts'
import { writeReport } from './report.ts'
import type { DirectionResult } from './result.ts'
import { factsOf, summary, table } from './summary.ts'

/** Runs the example: scores, chooses, evaluates, writes the run folder and prints the table. */
export async function main(argv: string[], signal: AbortSignal): Promise<void> {
  const options = parseOptions(argv)
  if (!options) {
    process.stdout.write(usage)
    return
  }
  const { n, seed, dataDir, folder, model, checkpoints, samples } = options
  const directions = availableDirections(model, checkpoints)
  const config = {
    example: 'likelihood-ratio',
    model,
    n,
    seed,
    data: dataDir ?? 'packaged samples',
    checkpoints: checkpoints ?? 'shipped',
    samples,
  }
  await withRun(folder, config, async (run, onProgress) => {
    const all: DirectionResult[] = []
    for (const direction of directions) all.push(await runDirection(direction, options, run, signal, onProgress))
    run.writeJson('summary.json', summary(all, options))
    const report = await writeReport(run, all, options)
    process.stdout.write(`${table(all)}\n\nreport: ${report}\n`)
  })
}

/** The directions there are pairs for: the first must be there, the second is left out with a line that says so. */
function availableDirections(model: string, checkpoints: string | undefined): Direction[] {
  return directionsOf(model).filter((direction, i) => {
    const missing = missingOf(direction.checkpoint, checkpoints)
    if (missing === undefined) return true
    const where = checkpoints ?? 'the shipped checkpoints'
    if (i === 0)
      throw new OodError('E_ARGUMENT', `--model ${model}: expected a checkpoint ${missing} in ${where}, got none`)
    process.stderr.write(`${direction.key} left out: no checkpoint ${missing} in ${where}\n`)
    return false
  })
}

async function runDirection(
  direction: Direction,
  options: Options,
  run: Run<unknown>,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<DirectionResult> {
  const { seed, checkpoints, workers } = options
  const name = direction.checkpoint
  const images = await loadImages(direction, options, signal)
  const pair = await openPair(name, checkpoints, workers)
  try {
    const measuring: MeasureOptions = { name, pair, images, seed, signal, onProgress }
    const sets = await measure(run, measuring)
    const maps = await measureMaps(run, measuring)
    const samples = await drawSamples(run, name, pair, options, signal, onProgress)
    // The only input of every choice: training and validation images.
    const choices = choose({ in_distr_train: sets.in_distr_train, ood_train: sets.ood_train })
    const evaluation = evaluate(sets, choices)
    saveDetector(run, name, pair, choices, evaluation)
    const models = { semantic: factsOf(pair.semantic.manifest), background: factsOf(pair.background.manifest) }
    const scored = { images: totalImages(sets), seconds: measuredSeconds(run, name) }
    const validation = options.dataDir !== undefined
    return { direction, validation, models, sets, choices, evaluation, maps, samples, ...scored }
  } finally {
    await pair.release()
  }
}

/** Writes the detector as it would be deployed, with the threshold of in-distribution images alone. */
function saveDetector(run: Run<unknown>, name: string, pair: Pair, choices: Choices, { scores }: Evaluation): void {
  const known = calibration(scores.in_distr_train.llr)
  const method = likelihoodRatio({ semantic: pair.semantic, background: pair.background })
  const state: StoredDetector = {
    ...detector(method, { dataType: 'image' }).toJSON(),
    threshold: known.threshold({ falsePositiveRate: choices.falsePositiveRate }),
    reference: packNumbers(known.scores),
    referenceOf: 'threshold',
  }
  run.writeJson(`${name}/detector.json`, restoreDetector(state, method).toJSON())
}

async function drawSamples(
  run: Run<unknown>,
  name: string,
  { semantic }: Pair,
  { samples, seed }: Options,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<NdArray | undefined> {
  if (samples === 0) return undefined
  const report = (at: Progress) => onProgress({ ...at, label: `${name} samples` })
  return await run.step(`${name}/samples`, () => semantic.sample(samples, { seed, signal, onProgress: report }), {
    key: semantic.manifest.sha256,
  })
}

function totalImages(sets: Record<SetName, Measured>): number {
  return Object.values(sets).reduce((sum, { semantic }) => sum + semantic.length, 0)
}
