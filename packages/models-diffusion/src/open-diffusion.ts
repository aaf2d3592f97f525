// Opens a score network: scores, derivatives, likelihoods and samples of a diffusion model given as an ONNX graph.
import {
  assertFinite,
  assertOptions,
  assertRows,
  assertUnits,
  CALL_OPTIONS,
  flatData,
  mismatch,
  type NdArray,
  rowCount,
  rowSize,
  tensor,
} from '@ood/core'
import { dataUnits, preprocessing, type Transform, type TransformSpec } from '@ood/datasets'
import { inspect, readModel } from '@ood/onnx'
import {
  type Checkpoint,
  type ModelOptions,
  modelSettings,
  openModelFolder,
  startEngine,
  taskModule,
} from '@ood/runtime'
import type { Diffusion, DiffusionCallOptions, DiffusionLogProbOptions, DiffusionSampleOptions } from './diffusion.ts'
import {
  type Conditions,
  checkpointFacts,
  describedFacts,
  type NetworkDescription,
  type NetworkFacts,
} from './internal/description.ts'
import { type Condition, openKernels } from './internal/kernels.ts'
import { scoreNetwork } from './internal/score-network.ts'
import { odeLogProb } from './likelihood/ode-log-prob.ts'
import { ODE_OPTIONS } from './likelihood/options.ts'
import { denoise } from './sample/denoise.ts'
import { encode } from './sample/encode.ts'
import { SAMPLE_OPTIONS } from './sample/options.ts'
import { sample } from './sample/sample.ts'

/** How a diffusion model runs. */
export interface DiffusionOptions extends ModelOptions {
  /** Further inputs, the same for every row: { encoder_hidden_states: embedding of the text, [1, tokens, width] }. */
  conditions?: Conditions | undefined
}

const FOLDER =
  'a diffusion folder: manifest.json (writeManifest makes it) and a graph score: x [N, ...], t [N] -> net [N, ...]'

/**
 * Opens a diffusion model from its checkpoint folder, from an opened checkpoint, or from a bare ONNX file with its
 * description.
 *
 * The graph takes rows `x` and times `t` and gives `net`, by default sigma(t) times the score; `prediction` in the
 * manifest or description says otherwise. The manifest's `sde` names the process. A UNet exported from diffusers
 * (`sample`, `timestep`, `out_sample`, perhaps `encoder_hidden_states`) is opened by description: its timestep may be
 * float or int64, for each row or one for all, and a text condition is a fixed input.
 *
 * @param source - folder, the result of `openCheckpoint`, or a description
 * @throws OodError `E_FILE`, `E_MANIFEST`, `E_CHECKSUM` saying what is missing; `E_ARGUMENT`, `E_UNKNOWN_NAME`
 * @example
 * const model = await openDiffusion(checkpointPath('diffusion-fmnist'))
 * const { instance } = await model.logProb(images, { probes: 1 })
 * await model.release()
 *
 * const unet = await openDiffusion({
 *   onnx: 'unet/model.onnx',
 *   sde: { name: 'ddpm', schedule: 'linear' },
 *   prediction: 'epsilon',
 *   dataShape: [3, 32, 32],
 *   preprocessing: [{ name: 'unit' }, { name: 'zero-center' }],
 * })
 */
export async function openDiffusion(
  source: string | Checkpoint | NetworkDescription,
  options: DiffusionOptions = {},
): Promise<Diffusion> {
  const settings = modelSettings('openDiffusion', options, { batchSize: 32 }, ['conditions'])
  const facts = await factsOf(source)
  const { name, graph, ports, modelShape, dataShape, sde, prediction, timeScale } = facts
  const dimension = modelShape.reduce((product, n) => product * n, 1)
  const conditions = conditionsOf(facts, options.conditions ?? {})
  const specs = facts.preprocessing as TransformSpec[]
  const transform = preprocessing(specs)
  const units = dataUnits({ preprocessing: specs, valueRange: facts.manifest?.data.valueRange, shape: dataShape })
  const range = rangeOf(transform, units.valueRange, dataShape)
  const engine = startEngine({
    setup: { name, graph, device: settings.device, ports, modelShape, dimension, conditions },
    settings,
    open: openKernels,
    tasks: taskModule('./internal/tasks.ts', import.meta.url),
  })
  const model = scoreNetwork({ engine, sde, prediction, timeScale, modelShape, dimension, range })

  /** Rows as the network sees them, with the log-determinants of how they got there. */
  function toModel(what: string, x: NdArray, call: DiffusionCallOptions): { v: NdArray; logDet: Float64Array } {
    const { input = 'pixel', seed = 0, rows } = call
    if (input !== 'pixel' && input !== 'model') throw mismatch('E_ARGUMENT', `${what} input`, 'pixel or model', input)
    assertRows(what, x, input === 'pixel' ? dataShape : modelShape)
    if (input === 'pixel') assertUnits(what, x, units)
    else assertFinite(what, x)
    if (rows && rows.length !== rowCount(x))
      throw mismatch('E_SHAPE', `${what} rows`, `${rowCount(x)} keys, one a row`, rows.length)
    if (input === 'model') return { v: x, logDet: new Float64Array(rowCount(x)) }
    const { y, logDet } = transform.forward(x, { seed, rows })
    return { v: y, logDet }
  }

  async function logProb(x: NdArray, call: DiffusionLogProbOptions = {}): ReturnType<Diffusion['logProb']> {
    assertOptions('logProb', call, [...ODE_OPTIONS, 'input', 'space'])
    const { input, space = input ?? 'pixel', ...ode } = call
    if (space !== 'pixel' && space !== 'model') throw mismatch('E_ARGUMENT', 'logProb space', 'pixel or model', space)
    if (space === 'pixel' && input === 'model')
      throw mismatch('E_ARGUMENT', 'logProb space', 'model for rows that are already preprocessed', space)
    const { v, logDet } = toModel('logProb', x, call)
    const out = await odeLogProb(model, v, ode)
    if (space === 'pixel')
      out.instance.forEach((value, row) => {
        out.instance[row] = value + logDet[row]!
      })
    return out
  }

  function postprocess(v: NdArray): NdArray {
    return tensor(flatData(transform.inverse(v)), [rowCount(v), ...dataShape])
  }

  return {
    ...model,
    manifest: facts.manifest,
    dataShape,
    dimension,
    prediction,
    logProb,
    async bitsPerDim(x, call) {
      const { instance } = await logProb(x, { ...call, space: 'pixel' })
      return instance.map((nats) => -nats / (rowSize(x) * Math.LN2))
    },
    async preprocess(x, call = {}) {
      assertOptions('preprocess', call, [...CALL_OPTIONS, 'input'])
      return toModel('preprocess', x, call).v
    },
    postprocess,
    async sample(n, call: DiffusionSampleOptions = {}) {
      assertOptions('sample', call, [...SAMPLE_OPTIONS, 'space'])
      const { space = 'pixel', ...rest } = call
      if (space !== 'pixel' && space !== 'model') throw mismatch('E_ARGUMENT', 'sample space', 'pixel or model', space)
      const v = await sample(model, n, rest)
      return space === 'model' ? v : postprocess(v)
    },
    denoise: (x, call) => denoise(model, x, call),
    encode: (x, call) => encode(model, x, call),
    release: () => engine.release(),
  }
}

async function factsOf(source: string | Checkpoint | NetworkDescription): Promise<NetworkFacts> {
  if (typeof source !== 'string' && 'onnx' in source) return describedFacts(source)
  return checkpointFacts(await openModelFolder(source, FOLDER))
}

/** The raw range's low end, and the largest |value| that its rows have in the network's space. */
function rangeOf(transform: Transform, range: readonly [number, number] | null, dataShape: readonly number[]) {
  if (!range) return undefined
  const size = dataShape.reduce((product, n) => product * n, 1)
  const ends = tensor(new Float64Array(2 * size).fill(range[0], 0, size).fill(range[1], size), [2, ...dataShape])
  const largest = flatData(transform.forward(ends).y).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return { largest, rawLow: range[0] }
}

/** Every further input of the graph needs its fixed value. */
function conditionsOf({ name, graph, ports }: NetworkFacts, given: Conditions): Record<string, Condition> {
  const inputs = inspect(readModel(graph)).inputs.map((port) => port.name)
  const further = inputs.filter((port) => port !== ports.x && port !== ports.t)
  const out: Record<string, Condition> = {}
  for (const port of Object.keys(given)) {
    if (!further.includes(port))
      throw mismatch(
        'E_ARGUMENT',
        `${name} conditions`,
        further.length > 0 ? `one of ${further.join(', ')}` : 'none',
        port,
      )
  }
  for (const port of further) {
    const value = given[port]
    if (value?.shape[0] !== 1)
      throw mismatch('E_ARGUMENT', `${name} conditions.${port}`, 'a tensor [1, ...] for this input', value?.shape)
    assertFinite(`${name} conditions.${port}`, value)
    out[port] = { data: Float32Array.from(flatData(value)), shape: [...value.shape] }
  }
  return out
}
