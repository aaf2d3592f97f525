// Why normalizing flows fail (Kirichenko et al. 2020): the paper's figures from our models, as far as checkpoints are there.
import { flatData, mean, type NdArray, rowCount, rowSize } from '@ood/core'
import { type Columns, logProbOf, type Needs, vector } from '@ood/detect'
import { featureLikelihood } from '@ood/llr'
import { openClassifier } from '@ood/models-classifier'
import { type Flow, openFlow } from '@ood/models-flow'
import { type Example, mainOf } from '../common/example.ts'
import { checkpointsFlag } from '../common/flags.ts'
import { eachName } from '../common/splits.ts'
import { evaluate, type Scores } from './evaluate.ts'
import { latentsOf, mapsOf } from './inside.ts'
import { featureModels, findCheckpoint, flowNames, pixelFlows, tableFlows, tableNames } from './models.ts'
import { bitsPerDim, claimsOf, type Result, report } from './report.ts'
import { INSIDE, imageSets, otherSet, TRAINED_AGAINST, tumours } from './sets.ts'

interface Extra {
  checkpoints: string | undefined
}

export const example: Example<Extra, Result> = {
  name: 'why-flows-fail',
  about: `Flows of Fashion-MNIST: the likelihood of other sets, latents, what couplings predict, masks, a bottleneck, negative
training, flows of features and of a table. A figure whose checkpoint is not there is left out.`,
  n: 64,
  rows: 'images a set',
  flags: { checkpoints: checkpointsFlag('look for checkpoints in DIR/NAME before the shipped ones') },

  async work(bench, options) {
    const { seed, signal } = bench
    const missing: string[] = []
    const find = (name: string) => findCheckpoint(name, options.checkpoints, missing)
    const sets = await imageSets(options, signal)
    const images = Object.fromEntries(sets.map((set) => [set.name, set.images]))
    const names = sets.map(({ name }) => name)
    const pair = sets.filter(({ name }) => name === INSIDE || name === TRAINED_AGAINST)
    const scores: Scores = { flows: {}, tables: {}, distances: {} }
    const result: Result = { sets, scores, missing, maps: {}, dimension: 1 }
    const each = (needs: Needs, checkpoint: string, score: (columns: Columns) => Float64Array) =>
      eachName(names, async (name) => score(await bench.columns(needs, `${checkpoint}/${name}`, images[name]!, 64)))
    const minusLogProb = (columns: Columns) => vector(columns, 'flow.logProb').map((nats) => -nats)
    // Many small networks: starting workers for each takes longer than some hundred images do.
    const inProcess = options.workers ?? (options.n > 1000 ? undefined : 0)
    /** What `use` gives for the flow of a checkpoint, if it is there. */
    const withFlow = async <T>(
      checkpoint: string,
      use: (flow: Flow, folder: string) => Promise<T>,
      workers = inProcess,
    ) => {
      const folder = find(checkpoint)
      if (folder === undefined) return undefined
      const flow = await openFlow(folder, { workers })
      try {
        return await use(flow, folder)
      } finally {
        await flow.release()
      }
    }

    for (const name of flowNames) {
      const { checkpoint, title } = pixelFlows[name]
      await withFlow(checkpoint, async (flow, folder) => {
        scores.flows[name] = await each({ flow: logProbOf(flow) }, checkpoint, minusLogProb)
        if (name === 'pixels') {
          result.dimension = flow.dimension
          result.latents = await latentsOf(flow, pair, seed)
        }
        if (name === 'pixels' || name === 'horizontal' || name === 'cycle')
          result.maps[name] = await mapsOf(flow, folder, title, pair, seed)
      })
    }
    const classifierFolder = find(featureModels[0])
    scores.features = await withFlow(
      featureModels[1],
      async (model) => {
        if (classifierFolder === undefined) return undefined
        const classifier = await openClassifier(classifierFolder, { workers: 0 })
        const method = featureLikelihood({ classifier, model })
        try {
          return await each(method.needs(), featureModels[1], (columns) => method.score(columns, null))
        } finally {
          await classifier.release()
        }
      },
      0,
    )
    const table = await tumours()
    for (const learned of tableNames)
      await withFlow(
        tableFlows[learned],
        async (flow) => {
          scores.distances[learned] = await eachName(tableNames, async (name) =>
            squaredNorms(await flow.preprocess(table[name], { seed })),
          )
          scores.tables[learned] = await eachName(tableNames, async (name) =>
            minusLogProb(
              await bench.columns({ flow: logProbOf(flow) }, `${tableFlows[learned]}/${name}`, table[name], 64),
            ),
          )
        },
        0,
      )
    return result
  },

  summary(result) {
    const { scores, sets, latents, maps, missing } = result
    const { otherBefore, tabularMirror, distance, distanceMirror, ...judged } = evaluate(scores)
    const measured = flowNames.filter((name) => scores.flows[name])
    return {
      auc: leaves(judged, 'auc'),
      interval: leaves(judged, 'interval'),
      other: { set: otherSet(sets.map(({ name }) => name)), before: otherBefore?.auc ?? null },
      table: leaves({ benign: judged.tabular, malignant: tabularMirror, distance, distanceMirror }, 'auc'),
      bitsPerDim: Object.fromEntries(measured.map((name) => [name, bitsPerDim(result, name)])),
      edges: latents?.edges ?? null,
      prediction: Object.fromEntries(Object.entries(maps).map(([name, { prediction }]) => [name, prediction])),
      claims: claimsOf(result),
      missing,
    }
  },

  files(run, { scores }) {
    run.writeJson('scores.json', rounded(scores))
  },
  report,
}

export const main = mainOf(example)

function squaredNorms(x: NdArray): Float64Array {
  const [values, d] = [Float64Array.from(flatData(x), (value) => value * value), rowSize(x)]
  return Float64Array.from({ length: rowCount(x) }, (_, i) => d * mean(values.subarray(i * d, (i + 1) * d)))
}

/** One field of every judgement of a tree. */
function leaves(tree: object, field: 'auc' | 'interval'): Record<string, unknown> {
  const of = (value: unknown): unknown =>
    value === null
      ? null
      : field in (value as object)
        ? (value as Record<string, unknown>)[field]
        : leaves(value as object, field)
  return Object.fromEntries(Object.entries(tree).map(([name, value]) => [name, of(value)]))
}

/** Scores to a hundredth of a nat, as plain lists. */
function rounded(value: object): object {
  if (value instanceof Float64Array) return Array.from(value, (nats) => Number(nats.toFixed(2)))
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, of]) => of !== undefined)
      .map(([name, of]) => [name, rounded(of)]),
  )
}
