// Likelihood against likelihood ratio on DNA: LSTMs, G and C content, and classes that no model has seen.
import { mismatch, rowSize } from '@ood/core'
import { openSequenceModel } from '@ood/models-autoregressive'
import { checkpointIn } from '../common/checkpoints.ts'
import { type Example, mainOf } from '../common/example.ts'
import { checkpointsFlag } from '../common/flags.ts'
import { factsOf } from '../common/model-facts.ts'
import { byName } from '../common/splits.ts'
import { choose, methods, scoresOf } from './choose.ts'
import { lawOf, loadSplits, type SplitName, splitNames } from './data.ts'
import { evaluate } from './evaluate.ts'
import { measure, measureMaps } from './measure.ts'
import { files, report } from './report.ts'
import type { Result } from './result.ts'

export const example: Example<{ checkpoints: string | undefined }, Result> = {
  name: 'genome',
  about: `Two LSTMs of DNA, one of them trained on mutated sequences. The likelihood of a sequence follows its G and C content; the
ratio of the two likelihoods follows what kind of sequence it is.`,
  n: 1000,
  rows: 'sequences a split',
  packaged: {
    name: 'synthetic',
    rows: Number.POSITIVE_INFINITY,
    help: 'use the public data, FOLDER/train_in.npz ... (default: synthetic genomes, made on the spot)',
  },
  flags: {
    checkpoints: checkpointsFlag(
      'take DIR/lstm-genome and DIR/lstm-genome-background instead of the shipped ones, which know synthetic genomes only',
    ),
  },
  check({ n, dataDir, checkpoints }) {
    if (n > 100_000) throw mismatch('E_ARGUMENT', '--n', 'at most 100000 sequences a split', n)
    if (dataDir !== undefined && checkpoints === undefined)
      throw mismatch('E_ARGUMENT', '--data-dir', '--checkpoints with models of that data too', 'none')
  },

  async work(bench, options) {
    const { dataDir, checkpoints, workers } = options
    const open = (name: string) => openSequenceModel(checkpointIn(checkpoints, name), { instance: 'mean', workers })
    const semantic = await open('lstm-genome')
    const background = await open('lstm-genome-background')
    try {
      const law = dataDir === undefined ? lawOf(semantic.manifest) : undefined
      const splits = await loadSplits(options, law, bench.signal)
      const pair = { semantic, background }
      const measured = await measure(bench, pair, splits, { law, rate: background.manifest.mutation?.rate })
      const scored = (split: SplitName) => scoresOf(measured[split].lstm, splits[split].gcContent)
      // The only input of every choice: validation sequences.
      const choices = choose(scored('val_in'), scored('val_ood'))
      const evaluation = evaluate(measured, splits, choices)
      const maps = await measureMaps(bench, pair, splits)
      const models = { semantic: factsOf(semantic.manifest), background: factsOf(background.manifest) }
      const length = rowSize(splits.test_in.x)
      return { splits, measured, choices, evaluation, maps, length, real: dataDir !== undefined, models }
    } finally {
      await Promise.all([semantic.release(), background.release()])
    }
  },

  summary({ splits, choices, evaluation, length, models }) {
    const { results, gain, exact } = evaluation
    const { threshold, f1, accuracy, precision, recall, ...confusion } = results.ratio.decided.normal
    const byMethod = <T>(value: (result: (typeof results)['ratio']) => T) =>
      byName(methods, (method) => value(results[method]))
    return {
      length,
      sequences: byName(splitNames, (split) => splits[split].gcContent.length),
      auc: byMethod(({ auc }) => auc),
      interval: byMethod(({ interval }) => interval),
      validationAuc: byMethod(({ validation }) => validation),
      gcCorrelation: byMethod(({ gcCorrelation }) => gcCorrelation),
      exactAuc: exact,
      ...{ gain, threshold, f1, accuracy, precision, recall, confusion },
      mixedBatch: choices.batch,
      falsePositiveRate: choices.falsePositiveRate,
      decisions: byMethod(({ decided }) => decided),
      models,
    }
  },

  files,
  report,
}

export const main = mainOf(example)
