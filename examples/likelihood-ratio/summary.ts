// What `summary.json` holds, and the table printed at the end.
import { formatTable } from '@ood/run'
import type { Manifest } from '@ood/runtime'
import { mean } from '../common/splits.ts'
import { methods } from './choose.ts'
import type { Decided } from './evaluate.ts'
import { setNames } from './images.ts'
import type { Options } from './options.ts'
import type { DirectionResult, ModelFacts } from './result.ts'

/** Reads a manifest; what it does not say is null. */
export function factsOf({ name, kind, training, metrics, mutation, graphs, sha256 }: Manifest): ModelFacts {
  const count = (value: unknown): number | null => (typeof value === 'number' ? value : null)
  const multiplications = Object.values(graphs).map((graph) => count(graph.multiplications))
  return {
    name,
    kind,
    parameters: count(training?.parameters),
    multiplications: multiplications[0] ?? null,
    bitsPerDim: metrics?.bitsPerDim ?? null,
    mutation: mutation ?? null,
    steps: count(training?.steps),
    sha256,
  }
}

/** Fields of the first direction at the top, all directions under `directions`. */
export function summary(all: readonly DirectionResult[], options: Options): object {
  const { n, seed, dataDir, model, checkpoints } = options
  return {
    example: 'likelihood-ratio',
    config: { model, n, seed, data: dataDir ?? 'packaged samples', checkpoints: checkpoints ?? 'shipped' },
    n,
    direction: all[0]!.direction.key,
    ...directionSummary(all[0]!),
    directions: Object.fromEntries(all.map((result) => [result.direction.key, directionSummary(result)])),
  }
}

function directionSummary({ evaluation, choices, models, sets, seconds, images }: DirectionResult): object {
  const { results, gain } = evaluation
  const each = <T>(value: (method: (typeof methods)[number]) => T) =>
    Object.fromEntries(methods.map((method) => [method, value(method)])) as Record<(typeof methods)[number], T>
  const { threshold, f1, accuracy, precision, recall, ...counts } = results.llr.contaminated
  return {
    auc: each((method) => results[method].auc),
    interval: each((method) => results[method].interval),
    gain,
    f1,
    accuracy,
    precision,
    recall,
    threshold,
    confusion: counts,
    contaminatedImages: choices.contaminatedImages,
    clean: { falsePositiveRate: choices.falsePositiveRate, ...flagged(results.llr.clean) },
    methods: each((method) => ({
      auc: results[method].auc,
      contaminated: results[method].contaminated,
      clean: flagged(results[method].clean),
    })),
    mean: Object.fromEntries(
      setNames.map((name) => {
        const { semantic, background, complexity } = sets[name]
        return [
          name,
          {
            images: semantic.length,
            semantic: mean(semantic),
            background: mean(background),
            ratio: mean(semantic) - mean(background),
            complexityBits: mean(complexity),
          },
        ]
      }),
    ),
    entropy: choices.entropy,
    joint: choices.joint,
    models,
    seconds,
    secondsPerImage: seconds / images,
  }
}

/** Decisions with the share of each set that is flagged. */
function flagged(decided: Decided): object {
  const { trueNegatives, falsePositives, recall } = decided
  return { ...decided, flagged: { in_distr_test: falsePositives / (trueNegatives + falsePositives), ood: recall } }
}

/** The table printed at the end. */
export function table(all: readonly DirectionResult[]): string {
  const rows: (string | number)[][] = [
    [
      'AUC',
      'log p alone',
      'ratio',
      'joint',
      'typicality',
      'complexity',
      'F1',
      'accuracy',
      'precision',
      'recall',
      'threshold',
    ],
  ]
  for (const { direction, evaluation } of all) {
    const { llr, joint, likelihood, typicality, complexity } = evaluation.results
    const { f1, accuracy, precision, recall, threshold } = llr.contaminated
    const aucs = [likelihood.auc, llr.auc, joint.auc, typicality.auc, complexity.auc]
    rows.push([direction.key, ...aucs, f1, accuracy, precision, recall, threshold.toFixed(1)])
  }
  return formatTable(rows)
}
