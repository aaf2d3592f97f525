// Model folders small enough to write down, and what opens them: detector folders without an inference engine.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  flatData,
  type LikelihoodModel,
  mismatch,
  type NdArray,
  normals,
  random,
  rowCount,
  rowSize,
  tensor,
  unknownName,
} from '@ood/core'
import { detector, logProbOf, type Method, type OodDetector, vector, wrongField } from '@ood/detect'
import { onTestFinished } from 'vitest'

/** A temporary folder that goes when the test ends. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ood-detect-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Writes a Gaussian as a folder of two files, one of them in a folder of its own. */
export function writeModel(folder: string, mean: number[], sd: number[]): string {
  mkdirSync(join(folder, 'graphs'), { recursive: true })
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ kind: 'gaussian', sd }))
  writeFileSync(join(folder, 'graphs', 'mean.bin'), new Uint8Array(Float64Array.from(mean).buffer))
  return folder
}

export type Gaussian = LikelihoodModel & { released: number; release(): Promise<void> }

/** Opens what `writeModel` wrote: independent normals, with noise of the call's seed on every row, as dequantised flows have. */
export function openGaussian(folder: string): Gaussian {
  const { sd } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { sd: number[] }
  const bytes = readFileSync(join(folder, 'graphs', 'mean.bin'))
  const mean = [...new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))]
  const model: Gaussian = {
    released: 0,
    async release() {
      model.released++
    },
    async logProb(x, call) {
      const d = rowSize(x)
      const data = flatData(x)
      return {
        instance: Float64Array.from({ length: rowCount(x) }, (_, row) => {
          const rng = random(call?.seed ?? 0).fork(row)
          return mean.reduce(
            (sum, m, j) => sum - 0.5 * ((data[row * d + j]! + 0.1 * rng.normal() - m) / sd[j]!) ** 2 - Math.log(sd[j]!),
            0,
          )
        }),
      }
    },
  }
  return model
}

/** Rows like those the detectors below are fitted on. */
export function sample(n: number, seed: number): NdArray<Float64Array> {
  return tensor(normals(random(seed), 2 * n), [n, 2])
}

/** log p under a background minus log p under the model, over its spread on training rows. */
export function ratio(
  models: { semantic: LikelihoodModel; background: LikelihoodModel },
  power = 1,
): Method<{ spread: number }> {
  const { semantic, background } = models
  const difference = (columns: Parameters<Method['score']>[0]): Float64Array => {
    const other = vector(columns, 'background.logProb')
    return vector(columns, 'semantic.logProb').map((value, i) => other[i]! - value)
  }
  return {
    name: 'Ratio',
    source: 'a test',
    settings: { power },
    models,
    needs: () => ({ semantic: logProbOf(semantic), background: logProbOf(background) }),
    fit: (train) => ({ spread: Math.sqrt(difference(train).reduce((sum, value) => sum + value * value, 0)) }),
    score: (columns, { spread }) => difference(columns).map((value) => (value / spread) ** power),
    parseFit(value) {
      const { spread } = value as { spread: number }
      if (!(spread > 0)) throw wrongField('fit.spread', 'a positive number', spread)
      return { spread }
    },
  }
}

/** -log p, which learns nothing. */
export function plain(model: LikelihoodModel): Method<null> {
  return {
    name: 'Plain',
    source: 'a test',
    settings: {},
    models: { model },
    initial: null,
    needs: () => ({ model: logProbOf(model) }),
    fit: () => null,
    score: (columns) => vector(columns, 'model.logProb').map((value) => -value),
    parseFit: () => null,
  }
}

/** A method that runs no model. */
export const noModel: Method<null> = {
  name: 'NoModel',
  source: 'a test',
  settings: {},
  initial: null,
  needs: () => ({}),
  fit: () => null,
  score: (columns) => vector(columns, 'x'),
  parseFit: () => null,
}

/** The methods of these tests by name, as a registry has them. */
export function makeMethod(
  name: string,
  settings: Readonly<Record<string, unknown>>,
  models: Readonly<Record<string, Gaussian>>,
): Method {
  const model = (role: string): Gaussian => {
    if (!models[role]) throw mismatch('E_ARGUMENT', `models of ${name}`, `a model ${role}`, Object.keys(models).join())
    return models[role]
  }
  if (name === 'Ratio')
    return ratio({ semantic: model('semantic'), background: model('background') }, settings.power as number) as Method
  if (name === 'Plain') return plain(model('model')) as Method
  if (name === 'NoModel') return noModel as Method
  throw unknownName('method', name, ['Ratio', 'Plain', 'NoModel'])
}

/** Options of loading that open the models of these tests. */
export const open = { openModel: openGaussian }

/** A fitted detector and its two model folders below `folder`. `shift` tells detectors apart. */
export async function fittedRatio(
  folder: string,
  shift = 0,
): Promise<{ ratio: OodDetector<{ spread: number }>; models: { semantic: string; background: string } }> {
  const models = {
    semantic: writeModel(join(folder, `semantic-${shift}`), [0.1 + shift, 0.2], [1, 1.5]),
    background: writeModel(join(folder, `background-${shift}`), [0, 0], [2, 2]),
  }
  const found = detector(
    ratio({ semantic: openGaussian(models.semantic), background: openGaussian(models.background) }),
    { dataType: 'tabular' },
  )
  await found.fit(sample(40, 0), { seed: 3 })
  await found.calibrate(sample(50, 1), { seed: 3 })
  await found.inferThreshold(sample(60, 2), { percentile: 90 }, { seed: 3 })
  return { ratio: found, models }
}
