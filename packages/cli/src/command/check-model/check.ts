// `ood check-model`: whether a model folder does what its manifest says, and how to mend what it does not.
import { assertUnits, flatData, type NdArray, OodError, rowCount, rowSize } from '@ood/core'
import { dataUnits, type TransformSpec } from '@ood/datasets'
import type { OpenedModel } from '@ood/methods'
import type { Manifest } from '@ood/runtime'
import { type ImagesOptions, readImages } from '../images.ts'
import { checkpointFolder } from '../model.ts'
import { noisePrediction, scoreOf } from './diffusion.ts'
import { logDeterminant, roundTrip } from './flow.ts'
import { type Check, type CheckReport, judged } from './report.ts'
import { noiseRows } from './rows.ts'
import { freeBatch, independence, speed, type Trial } from './trial.ts'
import { bits, worthJudging } from './units.ts'

/** Options of `checkModel`. */
export interface CheckModelOptions extends Omit<ImagesOptions, 'shape' | 'limit'> {
  /** Some images of the training distribution; without them noise is tried, and units are not. */
  images?: string | undefined
  /** Rows to try (default 4). */
  rows?: number | undefined
  device?: string | undefined
  workers?: number | undefined
}

/**
 * Checks a checkpoint folder step by step: layout (manifest, hashes, ports, axes), batches, rows that do not see each
 * other, for flows the round trip and the log-determinant against the decoder's Jacobian, for score networks the
 * prediction of noise, units on the user's images, speed.
 *
 * @returns every check with what was found; `ok` is false when one went wrong
 * @throws OodError `E_UNKNOWN_NAME` for a folder that is not there, `E_ABORTED`; everything else is in the report
 * @example
 * const { ok, checks } = await checkModel('my-flow', { images: 'train/', rows: 4 })
 */
export async function checkModel(source: string, options: CheckModelOptions = {}): Promise<CheckReport> {
  const { openModel } = await import('@ood/methods')
  const { parseDevice } = await import('@ood/runtime')
  const folder = await checkpointFolder(source)
  const checks: Check[] = []
  const report = (): CheckReport => ({ folder, ok: checks.every(({ state }) => state !== 'wrong'), checks })
  const { device, workers } = options
  let opened: OpenedModel
  try {
    opened = await openModel(folder, {
      device: device === undefined ? undefined : parseDevice(device),
      workers,
    })
  } catch (error) {
    if (!(error instanceof OodError)) throw error
    checks.push({ name: 'layout', ...judged(false, error.message, 'mend what the line names, then check again') })
    return report()
  }
  try {
    const { manifest } = opened
    checks.push({ name: 'layout', state: 'ok', found: layout(manifest) })
    let x: NdArray
    try {
      x = await trialRows(opened, options)
    } catch (error) {
      if (!(error instanceof OodError) || error.code === 'E_ABORTED') throw error
      checks.push({ name: 'images', ...judged(false, error.message, 'give other images with --images') })
      return report()
    }
    const units = unitsOf(manifest, x)
    if (units) {
      checks.push(units)
      return report()
    }
    await run(opened, x, options.images !== undefined, checks)
    return report()
  } finally {
    await opened.release()
  }
}

/** The user's images; without them a flow's own samples, which lie where it works, and noise for the others. */
async function trialRows({ manifest, role, model }: OpenedModel, options: CheckModelOptions): Promise<NdArray> {
  const { images, rows = 4, ...rest } = options
  if (images !== undefined)
    return (await readImages(images, { ...rest, shape: manifest.data.shape, limit: rows })).images
  const isFlow = role === 'flow' || role === 'flowBackground'
  return isFlow ? await model.sample(rows, { seed: 0 }) : noiseRows(manifest, rows)
}

/** What is wrong with the units of the rows, before a model refuses them. */
function unitsOf({ preprocessing, data, mixture }: Manifest, x: NdArray): Check | undefined {
  const specs = preprocessing as unknown as TransformSpec[]
  const described = dataUnits({ preprocessing: specs, valueRange: data.valueRange, shape: data.shape })
  const units = mixture ? { valueRange: [mixture.low, mixture.high] as const, wholeNumbers: true } : described
  try {
    assertUnits('images', x, units)
    return undefined
  } catch (error) {
    if (!(error instanceof OodError)) throw error
    return { name: 'units', ...judged(false, error.message, 'give images in the units the model was trained on') }
  }
}

/** One check after the other; what cannot run at all ends the row of them. */
async function run(opened: OpenedModel, x: NdArray, real: boolean, checks: Check[]): Promise<void> {
  const trial = trialOf(opened, x)
  const first = await freeBatch(trial)
  checks.push(first)
  if (first.state === 'wrong') return
  checks.push(await independence(trial))
  if (opened.role === 'flow' || opened.role === 'flowBackground' || opened.role === 'featureFlow') {
    checks.push(await roundTrip(opened.model, x))
    checks.push(await logDeterminant(opened.model, x))
  }
  if (opened.role === 'diffusion' && real) checks.push(await noisePrediction(opened.model, x))
  const levels = levelsOf(opened.manifest)
  if (!real) checks.push({ name: 'units', state: 'note', found: 'not tried: --images gives a few of your own' })
  else if (levels && worthJudging(x) && 'bitsPerDim' in opened.model && opened.role !== 'diffusion')
    checks.push(await bits(opened.model, x, levels))
  else checks.push({ name: 'units', state: 'ok', found: 'the images are in the units of the manifest' })
  checks.push(await speed(trial))
}

/** An ODE likelihood takes minutes; the score alone shows the same mistakes of an export. */
function trialOf(opened: OpenedModel, x: NdArray): Trial {
  if (opened.role === 'diffusion') return { evaluate: scoreOf(opened.model), what: 'score', x }
  if (opened.role === 'classifier') {
    const { model } = opened
    return {
      evaluate: async (rows, call) => largestLogits((await model.evaluate(rows, call)).logits),
      what: 'largest logit',
      x,
    }
  }
  const { model } = opened
  return { evaluate: async (rows, call) => (await model.logProb(rows, call)).instance, what: 'log-likelihood', x }
}

function largestLogits(logits: NdArray): Float64Array {
  const values = flatData(logits)
  const classes = rowSize(logits)
  return Float64Array.from({ length: rowCount(logits) }, (_, row) =>
    Math.max(...values.subarray(row * classes, (row + 1) * classes)),
  )
}

/** Grey levels of a model of whole numbers. */
function levelsOf({ preprocessing, data, kind, mixture }: Manifest): number | undefined {
  if (kind === 'autoregressive' && mixture?.low === 0) return mixture.high + 1
  const units = dataUnits({
    preprocessing: preprocessing as unknown as TransformSpec[],
    valueRange: data.valueRange,
    shape: data.shape,
  })
  return units.wholeNumbers && units.valueRange ? units.valueRange[1] + 1 : undefined
}

function layout({ name, kind, data, graphs }: Manifest): string {
  const roles = Object.keys(graphs).join(', ')
  return `${name}: ${kind} of [${data.shape.join(', ')}], values ${data.valueRange?.join(' to ') ?? 'of any range'}; graphs ${roles}, hashes and axes fit`
}
