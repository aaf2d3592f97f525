// Likelihood corrected for input complexity on real images: every codec, both directions.
import { mismatch, unknownName } from '@ood/core'
import { codecNames, installedCodecs, openCodecs } from '@ood/llr'
import type { TableCell } from '@ood/run'
import { availableDirections, checkpointIn, openLikelihood } from '../common/checkpoints.ts'
import { type Example, mainOf } from '../common/example.ts'
import { checkpointsFlag, modelFlag } from '../common/flags.ts'
import { byName, eachName, mean, perDirection } from '../common/splits.ts'
import { type DirectionResult, evaluate } from './evaluate.ts'
import { loadImages, measure, type SetName, setNames } from './measure.ts'
import { files, report } from './report.ts'

/** Options of this example alone. */
interface Extra {
  /** Names of the codecs; undefined for every installed one. */
  codecs: readonly string[] | undefined
  model: string
  checkpoints: string | undefined
}

export const example: Example<Extra, DirectionResult[]> = {
  name: 'input-complexity',
  about: `Models of Fashion-MNIST and of MNIST score the other's images, by likelihood alone and by the bits their likelihood takes
beyond what lossless compressors need.`,
  n: 128,
  rows: 'images a set',
  flags: {
    codecs: {
      value: 'A,B,...',
      help: `of ${codecNames.join(', ')} (default: every one whose package is installed)`,
      read(text, flag) {
        const names = text?.split(',')
        for (const [i, name] of names?.entries() ?? []) {
          if (!(codecNames as readonly string[]).includes(name)) throw unknownName(flag, name, codecNames)
          if (names!.indexOf(name) < i) throw mismatch('E_ARGUMENT', flag, 'each name once', text)
        }
        return names
      },
    },
    model: modelFlag('flow', 'which models: flow (default), pixelcnn, or what the names in --checkpoints begin with'),
    checkpoints: checkpointsFlag(
      'take DIR/NAME-fmnist and DIR/NAME-mnist (either alone will do) instead of the shipped ones',
    ),
  },
  // Other models get folders of their own, so that neither run has to be named to keep the other.
  runName: ({ model }) => (model === 'flow' ? 'input-complexity' : `input-complexity-${model}`),
  /** The codecs by name: which are installed is part of what the results depend on. */
  async prepare(options) {
    availableDirections(options.model, options.checkpoints)
    const codecs = options.codecs ?? (await installedCodecs()).map(({ name }) => name)
    return { ...options, codecs }
  },

  async work(bench, options) {
    const codecs = await openCodecs(options.codecs!)
    const names = codecs.map(({ name }) => name)
    const all: DirectionResult[] = []
    for (const direction of availableDirections(options.model, options.checkpoints)) {
      const images = await eachName(setNames, (set) => loadImages(direction, set, options, bench.signal))
      const folder = checkpointIn(options.checkpoints, direction.checkpoint)
      const model = await openLikelihood(folder, options.workers)
      try {
        const sets = await eachName(setNames, (set) =>
          measure(bench, { direction, set, images: images[set], model }, codecs),
        )
        const title = model.manifest.kind === 'autoregressive' ? 'PixelCNN++' : 'flow'
        all.push({ direction, model: title, codecs: names, images, sets, evaluation: evaluate(sets, names) })
      } finally {
        await model.release()
      }
    }
    return all
  },

  summary: (all) =>
    perDirection(all, ({ evaluation, sets }) => ({
      auc: {
        likelihood: evaluation.likelihood.auc,
        complexity: evaluation.minimum.auc,
        ...Object.fromEntries(evaluation.codecs.map(({ codec, auc }) => [codec, auc])),
      },
      evaluation,
      bits: byName(setNames, (set) => {
        return { model: -mean(sets[set].logProb) / Math.LN2, complexity: mean(sets[set].bits) }
      }),
    })),

  table(all) {
    const rows: TableCell[][] = [['', 'bytes in', 'bytes OOD', 'smallest in', 'smallest OOD', 'AUC']]
    for (const { direction, evaluation } of all) {
      rows.push([`${direction.key}, likelihood alone`, '', '', '', '', evaluation.likelihood.auc])
      for (const { codec, bytes, wins, auc } of [...evaluation.codecs, evaluation.minimum]) {
        const share = (set: SetName) => (wins ? `${(100 * wins[set]).toFixed(0)} %` : '')
        const sizes = [bytes.in_distr_test.toFixed(0), bytes.ood.toFixed(0)]
        rows.push([`${direction.key}, ${codec}`, ...sizes, share('in_distr_test'), share('ood'), auc])
      }
    }
    return rows
  },

  files,
  report,
}

export const main = mainOf(example)
