// From raw rows to latents and log-densities.
import {
  assertFinite,
  assertFiniteRows,
  assertOptions,
  assertRows,
  assertUnits,
  CALL_OPTIONS,
  type DataUnits,
  flatData,
  mismatch,
  type NdArray,
  rowCount,
  sliceRows,
  tensor,
  throwIfAborted,
} from '@ood/core'
import type { Transform, TransformSpec } from '@ood/datasets'
import type { Engine } from '@ood/runtime'
import type { Flow, FlowCallOptions, FlowTerms, InvertibilityReport, LogProbOptions } from '../flow.ts'
import type { Kernels } from './kernels.ts'
import { lastEncoding } from './last-encoding.ts'
import type { FlowShape } from './shape.ts'

/** What the density side of a flow is built from. */
export interface DensityParts {
  engine: Engine<Kernels>
  shape: FlowShape
  transform: Transform
  /** What raw rows must look like. */
  units: DataUnits
}

/** One encoded block of rows. */
interface Block {
  /** Model-space rows. */
  v: Float32Array
  z: Float32Array
  /** log |det ∂z/∂v| from the graph, log |det ∂v/∂x| of the preprocessing. */
  logDet: Float64Array
  preprocessingLogDet: Float64Array
}

/** What calls with data rows take; `space` only matters to `logProb`, but detectors pass one object to several calls. */
const FLOW_OPTIONS = [...CALL_OPTIONS, 'input', 'space', 'compat']

/** Builds `logProb`, `bitsPerDim`, `preprocess`, `encode` and `invertibilityReport`. */
export function createDensity(
  parts: DensityParts,
): Pick<Flow, 'logProb' | 'terms' | 'bitsPerDim' | 'preprocess' | 'encode' | 'invertibilityReport'> {
  const { engine, shape, transform, units } = parts
  const { dimension: d, dataShape, modelShape } = shape

  /** Checks rows once, as a whole, so that an error names the caller's row and not a batch's. */
  function assertInput(what: string, x: NdArray, options: FlowCallOptions | undefined): void {
    assertOptions(what, options, FLOW_OPTIONS)
    const input = options?.input ?? 'pixel'
    if (input !== 'pixel' && input !== 'model') throw mismatch('E_ARGUMENT', `${what} input`, 'pixel or model', input)
    assertRows(what, x, input === 'pixel' ? dataShape : modelShape)
    if (input === 'pixel') assertUnits(what, x, units)
    else assertFinite(what, x)
    const keys = options?.rows
    if (keys && keys.length !== rowCount(x))
      throw mismatch('E_SHAPE', `${what} rows`, `${rowCount(x)} keys, one a row`, keys.length)
  }

  function toModel(
    x: NdArray,
    from: number,
    to: number,
    options: FlowCallOptions | undefined,
  ): Omit<Block, 'z' | 'logDet'> {
    const block = sliceRows(x, from, to)
    if (options?.input === 'model')
      return { v: Float32Array.from(flatData(block)), preprocessingLogDet: new Float64Array(to - from) }
    const rows = Array.from({ length: to - from }, (_, i) => options?.rows?.[from + i] ?? from + i)
    const { y, logDet } = transform.forward(block, { seed: options?.seed ?? 0, rows })
    return { v: Float32Array.from(flatData(y)), preprocessingLogDet: logDet }
  }

  /** Encodes all rows block by block and hands every block to `use`. */
  async function encodeBlocks(
    label: string,
    x: NdArray,
    options: FlowCallOptions | undefined,
    use: (block: Block, from: number, to: number) => void | Promise<void>,
  ): Promise<void> {
    assertInput(label, x, options)
    await engine.sweep(label, rowCount(x), options, async (from, to) => {
      const { v, preprocessingLogDet } = toModel(x, from, to, options)
      const { z, logDet } = await engine.call('encode', [v, to - from], options?.signal)
      assertFiniteRows(`${label} latents`, z, to - from, from)
      assertFiniteRows(`${label} log-determinant`, logDet, to - from, from)
      await use({ v, z, logDet, preprocessingLogDet }, from, to)
    })
  }

  const memory = lastEncoding()

  /** Everything one encoding gives. The last small batch is remembered: log p, latents and LID of it encode it once. */
  async function termsOf(label: string, x: NdArray, options: FlowCallOptions | undefined): Promise<FlowTerms> {
    assertInput(label, x, options)
    throwIfAborted(options?.signal, label)
    // Who counts batches wants them run.
    const counted = options?.batchSize !== undefined || options?.onProgress !== undefined
    const known = counted ? undefined : memory.find(x, options)
    if (known) return known
    const n = rowCount(x)
    const latents = new Float32Array(n * d)
    const logDet = new Float64Array(n)
    const preprocessingLogDet = new Float64Array(n)
    await encodeBlocks(label, x, options, (block, from) => {
      latents.set(block.z, from * d)
      logDet.set(block.logDet, from)
      preprocessingLogDet.set(block.preprocessingLogDet, from)
    })
    const found = { latents: tensor(latents, [n, d]), logDet, preprocessingLogDet }
    memory.keep(x, options, found)
    return found
  }

  async function logProb(x: NdArray, options?: LogProbOptions): Promise<{ instance: Float64Array }> {
    const space = options?.space ?? options?.input ?? 'pixel'
    if (space !== 'pixel' && space !== 'model') throw mismatch('E_ARGUMENT', 'logProb space', 'pixel or model', space)
    if (space === 'pixel' && options?.input === 'model')
      throw mismatch('E_ARGUMENT', 'logProb space', 'model for rows that are already preprocessed', space)
    const compat = options?.compat
    if (compat !== undefined && (compat !== 'reference' || space !== 'pixel'))
      throw mismatch(
        'E_ARGUMENT',
        'logProb compat',
        'reference with space pixel, or nothing',
        `${compat} with ${space}`,
      )
    const constant = compat === 'reference' ? d * publishedConstant(transform.specs) : 0
    const { latents, logDet, preprocessingLogDet } = await termsOf('logProb', x, options)
    const z = flatData(latents)
    const instance = logDet.map(
      (value, row) => logNormal(z, row * d, d) + value + (space === 'pixel' ? preprocessingLogDet[row]! : 0) + constant,
    )
    return { instance }
  }

  const terms = (x: NdArray, options?: FlowCallOptions): Promise<FlowTerms> => termsOf('terms', x, options)

  async function bitsPerDim(x: NdArray, options?: FlowCallOptions): Promise<Float64Array> {
    const { instance } = await logProb(x, { ...options, space: 'pixel' })
    return instance.map((nats) => -nats / (d * Math.LN2))
  }

  async function preprocess(x: NdArray, options?: FlowCallOptions): Promise<NdArray> {
    assertInput('preprocess', x, options)
    return tensor(toModel(x, 0, rowCount(x), options).v, [rowCount(x), ...modelShape])
  }

  async function encode(x: NdArray, options?: FlowCallOptions): Promise<NdArray> {
    const { latents } = await termsOf('encode', x, options)
    return tensor(flatData(latents).slice(), latents.shape)
  }

  async function invertibilityReport(x: NdArray, options?: FlowCallOptions): Promise<InvertibilityReport> {
    const n = rowCount(x, 'invertibilityReport')
    const data = emptyErrors(n)
    const latent = emptyErrors(n)
    await encodeBlocks('invertibilityReport', x, options, async ({ v, z }, from, to) => {
      const back = await engine.call('decode', [z, to - from], options?.signal)
      assertFiniteRows('invertibilityReport', back, to - from, from)
      const again = await engine.call('encode', [back, to - from], options?.signal)
      addErrors(data, v, back, from)
      addErrors(latent, z, again.z, from)
    })
    let worstRow = 0
    for (let row = 0; row < n; row++) if (data.max[row]! > data.max[worstRow]!) worstRow = row
    return { data: summary(data, n * d), latent: summary(latent, n * d), worstRow }
  }

  function addErrors(errors: RowErrors, a: Float32Array, b: Float32Array, from: number): void {
    for (let i = 0; i < a.length; i++) {
      const row = from + Math.floor(i / d)
      const error = Math.abs(a[i]! - b[i]!)
      errors.max[row] = Math.max(errors.max[row]!, error)
      errors.sum[row] = errors.sum[row]! + error
    }
  }

  return { logProb, terms, bitsPerDim, preprocess, encode, invertibilityReport }
}

/**
 * What the published log-likelihood has a number more than pixel space: it takes images as x in [0, 1] to
 * (255 x + u) / 256, counts the slope 255/256, and subtracts ln 256 from every kind of data.
 */
function publishedConstant(specs: readonly TransformSpec[]): number {
  const first = specs.find(({ name }) => name !== 'flatten' && name !== 'identity')
  if (first?.name !== 'dequantize') return -Math.log(256)
  const { levels = 256, input = 'bytes' } = first
  // Pixel space of bytes has -ln levels already, that of x in [0, 1] has ln((levels - 1) / levels).
  return input === 'bytes' ? Math.log((levels - 1) / levels) + Math.log(levels) - Math.log(256) : -Math.log(256)
}

/** log N(z; 0, I) of `d` numbers from `at`, summed in float64. */
export function logNormal(z: Float32Array, at: number, d: number): number {
  let square = 0
  for (let i = at; i < at + d; i++) square += z[i]! * z[i]!
  return -0.5 * square - 0.5 * d * Math.log(2 * Math.PI)
}

/** Absolute errors row by row, so that sums do not depend on the order in which batches end. */
interface RowErrors {
  max: Float64Array
  sum: Float64Array
}

function emptyErrors(rows: number): RowErrors {
  return { max: new Float64Array(rows), sum: new Float64Array(rows) }
}

function summary({ max, sum }: RowErrors, numbers: number): { max: number; mean: number } {
  return {
    max: max.reduce((a, b) => Math.max(a, b), 0),
    mean: sum.reduce((a, b) => a + b, 0) / Math.max(1, numbers),
  }
}
