// Inference sessions: the only file in ood that talks to onnxruntime-node.
import { stat } from 'node:fs/promises'
import { assertOptions, mismatch, OodError } from '@ood/core'
import { fileError } from '@ood/core/node'
import type * as ort from 'onnxruntime-node'
import { type Device, parseDevice } from './device.ts'
import {
  assertFits,
  type ElementType,
  elementTypes,
  isElementType,
  type Port,
  type TensorStorage,
  type TensorValue,
  unshared,
} from './tensor-value.ts'

/** How much onnxruntime rewrites a graph before running it. */
export type Optimization = 'disabled' | 'basic' | 'extended' | 'all'

/** How a session runs. */
export interface SessionOptions {
  /** Default `cpu`. */
  device?: Device | undefined
  /** Threads inside one operator (default: one per core). Use 1 inside worker threads. */
  threads?: number | undefined
  /** Default `all`. */
  optimization?: Optimization | undefined
  /** Name used in error messages (default: the file's path, or `model`). */
  name?: string | undefined
}

/** One loaded graph. `run` blocks the thread it is called on; put long work in a pool (`openPool`). */
export interface Session {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /**
   * Runs the graph.
   *
   * @param feeds - every input by name
   * @param outputs - which outputs to return (default: all)
   * @throws OodError `E_ARGUMENT`, `E_SHAPE` for feeds that do not fit, `E_RUNTIME` when the engine fails
   */
  run(feeds: Record<string, TensorValue>, outputs?: readonly string[]): Promise<Record<string, TensorValue>>
  /** Frees the engine's memory. Sessions that are merely dropped leak until garbage collection. Safe to call twice. */
  release(): Promise<void>
}

const SESSION_OPTIONS = ['device', 'threads', 'optimization', 'name']

const OPTIMIZATIONS: readonly Optimization[] = ['disabled', 'basic', 'extended', 'all']

/**
 * Loads an ONNX graph from a file or from bytes.
 *
 * Every number type but bfloat16 and shorter floats may cross the boundary, float16 as its bits in a `Uint16Array`: other
 * element types at an input or output are refused here, with the name of the port where the engine lets it be known. Data
 * in shared memory is copied.
 *
 * Cost: parsing and optimising, 0.1 s for a 20 MB file; memory of about twice the file.
 *
 * @param source - path of an .onnx file, or its bytes
 * @throws OodError `E_FILE` missing or broken file, `E_UNKNOWN_NAME` device, `E_UNSUPPORTED` element type or device
 * @example
 * const session = await openSession('decode.onnx', { threads: 1 })
 * const { x } = await session.run({ z: { data: new Float32Array(784), shape: [1, 784] } })
 * await session.release()
 */
export async function openSession(source: string | Uint8Array, options: SessionOptions = {}): Promise<Session> {
  assertOptions('openSession', options, SESSION_OPTIONS)
  const what = options.name ?? (typeof source === 'string' ? source : 'model')
  const settings = sessionSettings(options)
  if (typeof source === 'string') await assertFile(source)
  const engine = await loadEngine()
  const session = await create(engine, source, settings, what, options.device ?? 'cpu')
  const inputs = session.inputMetadata.map(port)
  const outputs = session.outputMetadata.map(port)
  for (const { name, type } of [...inputs, ...outputs]) {
    if (!isElementType(type)) {
      await session.release()
      throw mismatch('E_UNSUPPORTED', `${what} port ${name}`, elementTypes.join(', '), type)
    }
  }
  let released = false
  return {
    inputs,
    outputs,
    async run(feeds, fetches) {
      if (released) throw new OodError('E_RUNTIME', `${what}: expected an open session, got a released one`)
      const tensors = toTensors(engine, what, inputs, feeds)
      for (const name of fetches ?? []) {
        if (!outputs.some((output) => output.name === name))
          throw mismatch('E_ARGUMENT', `${what} output`, outputs.map((output) => output.name).join(', '), name)
      }
      const results = await session.run(tensors, fetches ?? session.outputNames).catch((cause: unknown) => {
        throw engineError(what, cause)
      })
      return Object.fromEntries(
        Object.entries(results).map(([name, result]) => [
          name,
          { data: bitsOf(result.data as TensorStorage), shape: result.dims },
        ]),
      )
    },
    async release() {
      if (released) return
      released = true
      await session.release()
    },
  }
}

function sessionSettings(options: SessionOptions): ort.InferenceSession.SessionOptions {
  const { threads, optimization = 'all' } = options
  const device = parseDevice(options.device ?? 'cpu')
  if (!OPTIMIZATIONS.includes(optimization))
    throw mismatch('E_ARGUMENT', 'optimization', `one of ${OPTIMIZATIONS.join(', ')}`, optimization)
  if (threads !== undefined && !(Number.isInteger(threads) && threads > 0))
    throw mismatch('E_ARGUMENT', 'threads', 'a positive integer', threads)
  return {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    graphOptimizationLevel: optimization,
    // Level 4 (fatal): everything else reaches the caller as an OodError and need not be on stderr as well.
    logSeverityLevel: 4,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads, interOpNumThreads: 1 }),
  }
}

/** The engine would wait on a pipe for ever. */
async function assertFile(path: string): Promise<void> {
  const info = await stat(path).catch((cause: unknown) => {
    throw fileError(path, 'an ONNX graph that loads', cause)
  })
  const got = info.isDirectory() ? 'a folder' : 'a special file'
  if (!info.isFile()) throw mismatch('E_FILE', path, 'an ONNX graph that loads', got)
}

/** The native library is loaded on first use, so that reading a manifest needs none. */
async function loadEngine(): Promise<typeof ort> {
  try {
    return await import('onnxruntime-node')
  } catch (cause) {
    const message = `onnxruntime-node: expected its native library to load, got ${firstLine(cause)}`
    throw new OodError('E_RUNTIME', message, { cause })
  }
}

async function create(
  engine: typeof ort,
  source: string | Uint8Array,
  settings: ort.InferenceSession.SessionOptions,
  what: string,
  device: Device,
): Promise<ort.InferenceSession> {
  if (device !== 'cpu') {
    const available = engine.listSupportedBackends().map((backend) => backend.name)
    if (!available.includes(device))
      throw mismatch('E_UNSUPPORTED', `${what} device`, `one of ${available.join(', ')} on this platform`, device)
  }
  try {
    return typeof source === 'string'
      ? await engine.InferenceSession.create(source, settings)
      : await engine.InferenceSession.create(unshared(source), settings)
  } catch (cause) {
    const where = device === 'cpu' ? what : `${what} on ${device}`
    const type = /Unsupported data type: (\d+)/.exec(firstLine(cause))?.[1]
    if (type !== undefined) {
      const got = type === '16' ? 'bfloat16' : `element type number ${type} of ONNX`
      throw new OodError('E_UNSUPPORTED', `${where} ports: expected ${elementTypes.join(', ')}, got ${got}`, { cause })
    }
    throw new OodError('E_FILE', `${where}: expected an ONNX graph that loads, got ${firstLine(cause)}`, { cause })
  }
}

function port(metadata: ort.InferenceSession.ValueMetadata): Port {
  return metadata.isTensor
    ? { name: metadata.name, type: metadata.type, shape: metadata.shape }
    : { name: metadata.name, type: 'no tensor', shape: [] }
}

function toTensors(
  engine: typeof ort,
  what: string,
  inputs: readonly Port[],
  feeds: Record<string, TensorValue>,
): Record<string, ort.Tensor> {
  for (const name of Object.keys(feeds)) {
    if (!inputs.some((input) => input.name === name))
      throw mismatch('E_ARGUMENT', `${what} input`, inputs.map((input) => input.name).join(', '), name)
  }
  const tensors: Record<string, ort.Tensor> = {}
  for (const input of inputs) {
    const value = Object.hasOwn(feeds, input.name) ? feeds[input.name] : undefined
    if (value === undefined) throw mismatch('E_ARGUMENT', `${what} input ${input.name}`, 'a tensor', undefined)
    assertFits(what, input, value)
    tensors[input.name] = toTensor(engine, input.type as ElementType, value)
  }
  return tensors
}

/**
 * The engine's tensor. Where JavaScript has a `Float16Array` (Node 24) onnxruntime-node 1.30 makes its tensors of that and
 * then cannot read them; the same bits as 16-bit integers, named float16 afterwards, reach it.
 */
function toTensor(engine: typeof ort, type: ElementType, { data, shape }: TensorValue): ort.Tensor {
  const flat = unshared(data)
  if (type !== 'float16' || !('Float16Array' in globalThis)) return new engine.Tensor(type, flat, shape) as ort.Tensor
  const tensor = new engine.Tensor('uint16', flat as Uint16Array, shape)
  Object.defineProperty(tensor, 'type', { value: 'float16' })
  return tensor
}

/** float16 numbers as their bits; other data as it is. */
function bitsOf(data: TensorStorage): TensorStorage {
  if (data.constructor.name !== 'Float16Array') return data
  const { buffer, byteOffset, length } = data as Uint16Array
  return new Uint16Array(buffer, byteOffset, length)
}

function engineError(what: string, cause: unknown): OodError {
  return new OodError('E_RUNTIME', `${what}: expected the engine to run it, got ${firstLine(cause)}`, { cause })
}

/** The first line of an error's message; the engine's own texts can span a page. */
function firstLine(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  return text.split('\n', 1)[0]!.trim()
}
