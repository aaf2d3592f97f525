// The network's graph and its derivative as functions on flat rows: the arithmetic that runs in a worker, or in process.
import { type FloatArray, once, type TracePlan, type Traces, traceRows } from '@ood/core'
import { inspect, jvp, type Model, readModel, writeModel } from '@ood/onnx'
import {
  type Device,
  feedNumbers,
  openSession,
  type Port,
  type Session,
  type TensorValue,
  takeFloats,
} from '@ood/runtime'
import { fullTimes } from './full-times.ts'
import { fullBlocks, type Pass, passes, type TimePort } from './passes.ts'

/** Names of a graph's data input, time input and output. */
export interface Ports {
  x: string
  t: string
  net: string
}

/** A further input, the same for every row: [1, ...] is repeated, such as the embedding of a text. */
export interface Condition {
  data: Float32Array
  shape: readonly number[]
}

/** What the kernels are made from; plain data, so it can be sent to a worker. */
export interface KernelSetup {
  name: string
  graph: Uint8Array
  device: Device
  ports: Ports
  modelShape: readonly number[]
  dimension: number
  conditions: Readonly<Record<string, Condition>>
}

/** The computations behind a score model. Rows are flat; times are the network's own. */
export interface Kernels {
  net(x: Float32Array, times: Float64Array): Promise<Float32Array>
  /** Outputs [rows, D] and tangents [k, rows, D] for directions [k, rows, D]. */
  jvp(
    x: Float32Array,
    times: Float64Array,
    v: Float32Array,
    k: number,
  ): Promise<{ net: Float32Array; tangent: Float32Array }>
  /** Outputs and traces of their Jacobian by `x`. */
  divergence(x: Float32Array, times: Float64Array, plan: TracePlan): Promise<Traces & { net: Float32Array }>
  release(): Promise<void>
}

/** Rows of a full block: a multiple of what the engine's matrix products take at once (12 with AVX-512, 6 with AVX2). */
const BLOCK = 12

/**
 * Rows that networks on vectors are run in multiples of, so that a row's result does not depend on the batch it is in: an
 * adaptive solver makes much of last bits. Small networks cost next to nothing more. Images are run as they come: there a
 * convolution per image is most of the work, and what is left of the effect is bounded in the README.
 */
function blockOf({ graph, modelShape }: KernelSetup): number {
  if (modelShape.length > 1) return 1
  const { operators } = inspect(readModel(graph))
  return operators.Conv || operators.ConvTranspose ? 1 : BLOCK
}

/** Opens sessions as they are first needed, each with one thread. */
export function openKernels(setup: KernelSetup): Kernels {
  const { name, graph, device, ports, modelShape, dimension: d } = setup
  const tangentPort = `${ports.x}_tangent`
  let block: number | undefined
  const model = (): Model => {
    const given = readModel(graph)
    return modelShape.length > 1 ? fullTimes(given, ports.x, ports.t) : given
  }
  const plain = once(async () => openSession(writeModel(model()), { device, threads: 1, name: `${name} score` }))
  const derivative = once(() => {
    const tangents = writeModel(jvp(model(), { wrt: [ports.x], of: [ports.net] }))
    return openSession(tangents, { device, threads: 1, name: `${name} score derivative` })
  })

  /** One run over the rows of a pass; `k` tangents each when `v` is given. */
  async function run(
    session: Session,
    pass: Pass,
    x: Float32Array,
    v: Float32Array | undefined,
    k: number,
    of: number,
  ) {
    const rows = pass.rows.length
    const whole = rows === of && pass.rows.every((row, i) => row === i)
    const shape = [rows, ...setup.modelShape]
    const feeds: Record<string, TensorValue> = {
      [ports.x]: feedNumbers(session, ports.x, whole ? x : gather(x, pass.rows, 1, of, d), shape),
      [ports.t]: timeFeed(session, ports, pass),
    }
    for (const [port, condition] of Object.entries(setup.conditions))
      feeds[port] = feedNumbers(session, port, repeat(condition.data, rows), [rows, ...condition.shape.slice(1)])
    if (v) {
      const directions = whole ? v : gather(v, pass.rows, k, of, d)
      feeds[tangentPort] = feedNumbers(session, tangentPort, directions, [k, ...shape])
    }
    const out = await session.run(feeds, v ? [ports.net, `${ports.net}_tangent`] : [ports.net])
    return {
      net: takeFloats(`${name} ${ports.net}`, out[ports.net], rows * d),
      tangent: v ? takeFloats(`${name} derivative`, out[`${ports.net}_tangent`], k * rows * d) : undefined,
    }
  }

  async function runAll(session: Session, x: Float32Array, times: Float64Array, v?: Float32Array, k = 0) {
    const rows = times.length
    const list = passes(times, timePort(session, ports))
    block ??= blockOf(setup)
    const net = new Float32Array(rows * d)
    const tangent = new Float32Array(k * rows * d)
    for (const pass of list) {
      const full = fullBlocks(pass, block)
      const out = await run(session, full, x, v, k, rows)
      scatter(net, out.net, pass, full.rows.length, 1, rows, d)
      if (out.tangent) scatter(tangent, out.tangent, pass, full.rows.length, k, rows, d)
    }
    return { net, tangent }
  }

  return {
    net: async (x, times) => (await runAll(await plain.get(), x, times)).net,
    jvp: async (x, times, v, k) => runAll(await derivative.get(), x, times, v, k),
    async divergence(x, times, plan) {
      const session = await derivative.get()
      let net = new Float32Array(0)
      const products = async (v: Float64Array, k: number): Promise<FloatArray> => {
        const out = await runAll(session, x, times, Float32Array.from(v), k)
        net = out.net
        return out.tangent
      }
      const traces = await traceRows(products, times.length, d, plan)
      return { net, ...traces }
    },
    async release() {
      await plain.release()
      await derivative.release()
    },
  }
}

/** What the time input of an opened graph takes. An axis of another name than the rows' is fed one time to be safe. */
function timePort(session: { inputs: readonly Port[] }, { x, t }: Ports): TimePort {
  const find = (name: string): Port | undefined => session.inputs.find((input) => input.name === name)
  const [rows, times] = [find(x)?.shape[0], find(t)?.shape[0]]
  return { whole: find(t)?.type === 'int64', single: typeof times !== 'string' || times !== rows }
}

function timeFeed(session: Session, ports: Ports, { times }: Pass): TensorValue {
  const port = session.inputs.find((input) => input.name === ports.t)!
  const { single } = timePort(session, ports)
  const values = single ? times.slice(0, 1) : times
  const shape = port.shape.length === 0 ? [] : [values.length]
  return feedNumbers(session, ports.t, values, shape)
}

/** Rows `rows` of each of `k` blocks of `of` rows. */
function gather(source: Float32Array, rows: number[], k: number, of: number, d: number): Float32Array {
  const out = new Float32Array(k * rows.length * d)
  for (let b = 0; b < k; b++) {
    rows.forEach((row, i) => {
      const from = (b * of + row) * d
      out.set(source.subarray(from, from + d), (b * rows.length + i) * d)
    })
  }
  return out
}

/** Adds a pass's results to their rows, by weight; each of the `k` blocks of `part` has `ran` rows. */
function scatter(out: Float32Array, part: FloatArray, pass: Pass, ran: number, k: number, of: number, d: number): void {
  for (let b = 0; b < k; b++) {
    pass.rows.forEach((row, i) => {
      const to = (b * of + row) * d
      const from = (b * ran + i) * d
      const weight = pass.weights[i]!
      if (weight === 1) out.set(part.subarray(from, from + d), to)
      else for (let j = 0; j < d; j++) out[to + j]! += weight * part[from + j]!
    })
  }
}

function repeat(data: Float32Array, rows: number): Float32Array {
  const out = new Float32Array(rows * data.length)
  for (let row = 0; row < rows; row++) out.set(data, row * data.length)
  return out
}
