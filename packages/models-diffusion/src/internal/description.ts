// Reads what a score network is off a manifest, or off the caller's own description of a bare ONNX file.
import { assertOptions, type DiffusionProcess, mismatch, type NdArray } from '@ood/core'
import { readBounded } from '@ood/core/node'
import type { TransformSpec } from '@ood/datasets'
import { inspect, readModel } from '@ood/onnx'
import type { Checkpoint, Manifest } from '@ood/runtime'
import { parseSde, type SdeSpec } from '../sde/parse.ts'
import type { Ports } from './kernels.ts'
import { type PredictionType, parsePrediction } from './prediction.ts'

/** A bare ONNX score network, such as a UNet exported from diffusers. */
export interface NetworkDescription {
  /** Path of the file, or its bytes. */
  onnx: string | Uint8Array
  /** The process it was trained with: a process, or its name and parameters. */
  sde: DiffusionProcess | SdeSpec
  /** What it predicts. */
  prediction: PredictionType
  /** Shape of one raw row, [C, H, W]; default `modelShape`, which only preprocessing makes another. */
  dataShape?: readonly number[] | undefined
  /** Shape of one row as the network sees it; default the graph's own where its sizes are fixed, else `dataShape`. */
  modelShape?: readonly number[] | undefined
  /** Names of the data input, time input and output; default `sample`, `timestep`, `out_sample`, or `x`, `t`, `net`. */
  ports?: Partial<Ports>
  /** The network is fed this times t (default 1); discrete processes feed their timestep. */
  timeScale?: number
  /** From raw values to the network's, as in a manifest; default none. */
  preprocessing?: readonly TransformSpec[]
  /** Name in error messages. */
  name?: string
}

/** A fixed further input, [1, ...]. */
export type Conditions = Readonly<Record<string, NdArray>>

/** Everything `openDiffusion` needs to know. */
export interface NetworkFacts {
  name: string
  graph: Uint8Array
  sde: DiffusionProcess
  prediction: PredictionType
  timeScale: number
  ports: Ports
  dataShape: readonly number[]
  modelShape: readonly number[]
  preprocessing: readonly TransformSpec[]
  manifest: Manifest | undefined
}

/** The facts of a checkpoint of kind `diffusion`. */
export async function checkpointFacts({ manifest, folder, graph }: Checkpoint): Promise<NetworkFacts> {
  if (manifest.kind !== 'diffusion') throw mismatch('E_MANIFEST', `${folder} kind`, 'diffusion', manifest.kind)
  if (!manifest.sde)
    throw mismatch('E_MANIFEST', `${folder} sde`, 'the process: { name: "vp", betaMin, betaMax, T }', manifest.sde)
  const bytes = await graph('score')
  const ports = portsOf(bytes, manifest.ports ?? {}, `${folder} ports`)
  const sizes = manifest.graphs.score!.inputs[ports.x]!.slice(1)
  const modelShape = sizes.map((size, axis) => (typeof size === 'number' ? size : manifest.data.shape[axis]))
  if (!modelShape.every((size): size is number => size !== undefined))
    throw mismatch('E_MANIFEST', `${folder} graphs.score.inputs.${ports.x}`, 'fixed sizes after the batch', sizes)
  if (product(modelShape) !== product(manifest.data.shape))
    throw mismatch(
      'E_MANIFEST',
      `${folder} graphs.score.inputs.${ports.x}`,
      `rows of ${product(manifest.data.shape)} numbers`,
      modelShape,
    )
  return {
    name: manifest.name,
    graph: bytes,
    sde: parseSde(manifest.sde, `${folder} sde`),
    prediction: parsePrediction(`${folder} prediction`, manifest.prediction ?? 'scaled-score'),
    timeScale: manifest.timeScale ?? 1,
    ports,
    dataShape: manifest.data.shape,
    modelShape,
    preprocessing: manifest.preprocessing as unknown as TransformSpec[],
    manifest,
  }
}

const DESCRIPTION = [
  'onnx',
  'sde',
  'prediction',
  'dataShape',
  'modelShape',
  'ports',
  'timeScale',
  'preprocessing',
  'name',
]

/** The facts of a bare ONNX file. */
export async function describedFacts(description: NetworkDescription): Promise<NetworkFacts> {
  assertOptions('openDiffusion', description, DESCRIPTION)
  const { onnx, sde, prediction } = description
  const name = description.name ?? (typeof onnx === 'string' ? onnx : 'score network')
  const graph = typeof onnx === 'string' ? await readBytes(onnx) : onnx
  const ports = portsOf(graph, description.ports ?? {}, `${name} ports`)
  const process = isSpec(sde) ? parseSde(sde) : sde
  if ('timestep' in process && description.timeScale !== undefined)
    throw mismatch(
      'E_ARGUMENT',
      `${name} timeScale`,
      'none beside a discrete process, whose network is fed its time step',
      description.timeScale,
    )
  const input = readModel(graph).graph.inputs.find((port) => port.name === ports.x)
  if (typeof input?.shape?.[0] === 'number')
    throw mismatch(
      'E_ARGUMENT',
      `${name} input ${ports.x}`,
      'a free batch axis',
      `${input.shape[0]} rows (export with dynamic axes)`,
    )
  const { dataShape, modelShape } = shapesOf(name, description, input?.shape?.slice(1), ports.x)
  return {
    name,
    graph,
    sde: process,
    prediction: parsePrediction('prediction', prediction),
    timeScale: description.timeScale ?? 1,
    ports,
    dataShape,
    modelShape,
    preprocessing: description.preprocessing ?? [],
    manifest: undefined,
  }
}

/** Shapes of a raw row and of a row as the network sees it, from what the description and the graph's input say. */
function shapesOf(
  name: string,
  description: NetworkDescription,
  sizes: readonly (number | string)[] | undefined,
  port: string,
): { dataShape: readonly number[]; modelShape: readonly number[] } {
  const fixed = sizes?.every((size): size is number => typeof size === 'number') ? sizes : undefined
  const modelShape = description.modelShape ?? fixed ?? description.dataShape
  if (!modelShape || modelShape.length === 0 || (sizes && modelShape.length !== sizes.length))
    throw mismatch('E_ARGUMENT', `${name} modelShape`, `the sizes of one row of ${port}`, sizes ?? 'none')
  const dataShape = description.dataShape ?? modelShape
  if (product(dataShape) !== product(modelShape))
    throw mismatch('E_ARGUMENT', `${name} dataShape`, `rows of ${product(modelShape)} numbers`, [...dataShape])
  return { dataShape, modelShape }
}

function isSpec(sde: DiffusionProcess | SdeSpec): sde is SdeSpec {
  return typeof (sde as Partial<DiffusionProcess>).standardDeviation !== 'function'
}

/** Largest file that can be a protobuf message. */
const LARGEST_GRAPH = 2 ** 31

async function readBytes(path: string): Promise<Uint8Array> {
  return await readBounded(path, LARGEST_GRAPH)
}

/** Port names that occur, asked for or by either convention. */
function portsOf(graph: Uint8Array, asked: Partial<Ports>, what: string): Ports {
  const { inputs, outputs } = inspect(readModel(graph))
  const pick = (role: keyof Ports, from: readonly { name: string }[], known: readonly string[]): string => {
    const wanted = asked[role] === undefined ? known : [asked[role]]
    const found = wanted.find((name) => from.some((port) => port.name === name))
    if (found === undefined)
      throw mismatch(
        'E_MANIFEST',
        `${what}.${role}`,
        `one of ${from.map(({ name }) => name).join(', ')}`,
        wanted.join(' or '),
      )
    return found
  }
  return {
    x: pick('x', inputs, ['x', 'sample']),
    t: pick('t', inputs, ['t', 'timestep']),
    net: pick('net', outputs, ['net', 'out_sample']),
  }
}

function product(shape: readonly number[]): number {
  return shape.reduce((size, n) => size * n, 1)
}
