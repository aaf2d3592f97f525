// Likelihood against likelihood ratio on DNA: LSTMs, G and C content, and classes that no model has seen.
import { join } from 'node:path'
import { rowSize } from '@ood/core'
import { openSequenceModel, type SequenceModel } from '@ood/models-autoregressive'
import { formatTable } from '@ood/run'
import { checkpointPath } from '@ood/zoo'
import { withRun } from '../common/with-run.ts'
import { choose, methods, scoresOf } from './choose.ts'
import { lawOf, loadSplits, type SplitName, splitNames } from './data.ts'
import { evaluate } from './evaluate.ts'
import { methodTitle } from './figures.ts'
import { measure, measureMaps } from './measure.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { writeReport } from './report.ts'
import type { ModelFacts, Result } from './result.ts'

/** Runs the example: measures, chooses on validation sequences, evaluates, writes the run folder and prints the table. */
export async function main(argv: string[], signal: AbortSignal): Promise<void> {
  const options = parseOptions(argv)
  if (!options) {
    process.stdout.write(usage)
    return
  }
  const { n, seed, dataDir, checkpoints, folder, workers } = options
  const open = (name: string): Promise<SequenceModel> =>
    openSequenceModel(checkpoints === undefined ? checkpointPath(name) : join(checkpoints, name), {
      instance: 'mean',
      workers,
    })
  const semantic = await open('lstm-genome')
  const background = await open('lstm-genome-background')
  try {
    const law = dataDir === undefined ? lawOf(semantic.manifest) : undefined
    const splits = await loadSplits(options, law, signal)
    const config = { example: 'genome', n, seed, data: dataDir ?? 'synthetic', checkpoints: checkpoints ?? 'shipped' }
    await withRun(folder, config, async (run, onProgress) => {
      const key = [semantic.manifest.sha256, background.manifest.sha256]
      const rate = background.manifest.mutation?.rate
      const work = { semantic, background, key, splits, law, rate, signal, onProgress }
      const measured = await measure(run, work)
      const maps = await measureMaps(run, work)
      const scored = (split: SplitName) => scoresOf(measured[split].lstm, splits[split].gcContent)
      // The only input of every choice: validation sequences.
      const choices = choose(scored('val_in'), scored('val_ood'))
      const result: Result = {
        splits,
        measured,
        choices,
        evaluation: evaluate(measured, splits, choices),
        maps,
        length: rowSize(splits.test_in.x),
        models: { semantic: factsOf(semantic), background: factsOf(background) },
      }
      run.writeJson('summary.json', summary(result, options))
      const report = await writeReport(run, result, options)
      process.stdout.write(`${table(result)}\n\nreport: ${report}\n`)
    })
  } finally {
    await Promise.all([semantic.release(), background.release()])
  }
}

function factsOf({ manifest: { name, training, mutation, metrics } }: SequenceModel): ModelFacts {
  const { parameters = null, steps = null, hardware = null, wallTimeSeconds = null } = training ?? {}
  return { name, parameters, steps, hardware, wallTimeSeconds, mutation: mutation ?? null, metrics: metrics ?? {} }
}

/** What `summary.json` holds. */
function summary({ splits, choices, evaluation, length, models }: Result, options: Options): object {
  const { results, gain, exact } = evaluation
  const { threshold, f1, accuracy, precision, recall, ...confusion } = results.ratio.decided.normal
  return {
    example: 'genome',
    config: { n: options.n, seed: options.seed, data: options.dataDir ?? 'synthetic' },
    length,
    sequences: Object.fromEntries(splitNames.map((split) => [split, splits[split].gcContent.length])),
    auc: Object.fromEntries(methods.map((method) => [method, results[method].auc])),
    interval: Object.fromEntries(methods.map((method) => [method, results[method].interval])),
    validationAuc: Object.fromEntries(methods.map((method) => [method, results[method].validation])),
    gcCorrelation: Object.fromEntries(methods.map((method) => [method, results[method].gcCorrelation])),
    exactAuc: exact,
    gain,
    threshold,
    f1,
    accuracy,
    precision,
    recall,
    confusion,
    mixedBatch: choices.batch,
    falsePositiveRate: choices.falsePositiveRate,
    decisions: Object.fromEntries(methods.map((method) => [method, results[method].decided])),
    models,
  }
}

/** The table printed at the end. */
function table({ evaluation: { results, exact } }: Result): string {
  const rows: (string | number)[][] = [['', 'AUC', 'F1', 'accuracy', 'precision', 'recall', 'threshold']]
  for (const method of methods) {
    const { auc, decided } = results[method]
    const { f1, accuracy, precision, recall, threshold } = decided.normal
    rows.push([methodTitle[method], auc, f1, accuracy, precision, recall, threshold.toFixed(4)])
  }
  if (exact) rows.push(['ratio of the exact models', exact.ratio, '', '', '', '', ''])
  return formatTable(rows)
}
