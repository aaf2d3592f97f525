// The network's graph and the mixture as functions on flat rows: what runs in a worker, or in process.
import { OodError, once } from '@ood/core'
import { type Device, openSession, type TensorStorage, type TensorValue } from '@ood/runtime'
import type { PixelCnnFacts } from './facts.ts'
import { type MixturePlanes, mixtureRows } from './mixture-kernel.ts'

/** What the kernels are made from; plain data, so it can be sent to a worker. */
export interface KernelSetup {
  name: string
  /** Bytes of the graph. */
  graph: Uint8Array
  device: Device
  threads: number
  facts: PixelCnnFacts
}

/** Rows for the network: images [rows, C, H, W] and, for conditional models, as many conditions. */
export interface Rows {
  x: Float32Array
  condition?: Float32Array
  rows: number
}

/** The computations behind a PixelCNN++. Rows are flat and row-major. */
export interface Kernels {
  /** log P of every pixel [rows, H W]; `x` holds whole pixels. */
  logProb(given: Rows): Promise<Float64Array>
  /** The mixture's parameters; `x` is in the [-1, 1] frame. */
  params(given: Rows): Promise<MixturePlanes<Float32Array>>
  /** The parameters at one pixel, [rows, M], [rows, M, C], ...; `x` is in the [-1, 1] frame. */
  paramsAt(given: Rows, pixel: number): Promise<MixturePlanes<Float32Array>>
  release(): Promise<void>
}

/**
 * Rows the graph sees at once. Larger blocks only cost memory: convolutions go through a batch image by image.
 *
 * A row's result must not depend on how many rows come with it, nor on its place among them. Several threads cut a batch
 * where it suits them, which was seen to change the last bits: then rows go one by one. Convolutions on one thread go
 * row by row anyway. Matrix products (the projection of a condition) gave the same bits for any number of rows on x86-64,
 * but engines have kernels of their own for one or few rows: blocks are then always full, padded with copies of their
 * last row, and so on devices other than the CPU.
 */
const BLOCK = 8

/** Opens the session on first use. */
export function openKernels({ name, graph, device, threads, facts }: KernelSetup): Kernels {
  const { dataShape, conditionShape, mixture } = facts
  const [channels, height, width] = dataShape
  const { components } = mixture
  const pixels = height * width
  const d = channels * pixels
  const e = conditionShape?.reduce((product, n) => product * n, 1) ?? 0
  const couplings = (channels * (channels - 1)) / 2
  const sizes = { ...mixture, channels, pixels }
  /** Numbers a pixel of each output. */
  const outputs: Record<keyof MixturePlanes, number> = {
    logits: components,
    locations: components * channels,
    scales: components * channels,
    coefficients: components * couplings,
  }
  const names = (Object.keys(outputs) as (keyof MixturePlanes)[]).filter((key) => outputs[key] > 0)
  const block = device === 'cpu' && threads > 1 ? 1 : BLOCK
  const full = device !== 'cpu' || e > 0
  const session = once(() => openSession(graph, { device, threads, name }))

  /** Runs the graph block by block; `use` gets the planes of `count` rows from row `from`. */
  async function blocks(
    { x, condition, rows }: Rows,
    feed: (x: Float32Array) => Float32Array,
    use: (planes: MixturePlanes<Float32Array>, from: number, count: number) => void,
  ): Promise<void> {
    const opened = await session.get()
    for (let from = 0; from < rows; from += block) {
      const count = Math.min(block, rows - from)
      const n = full ? block : count
      const feeds: Record<string, TensorValue> = {
        x: { data: feed(padded(x, from, count, n, d)), shape: [n, ...dataShape] },
      }
      if (condition) feeds.condition = { data: padded(condition, from, count, n, e), shape: [n, ...conditionShape!] }
      const got = await opened.run(feeds, names)
      const planes = Object.fromEntries(
        names.map((key) => [key, floats(`${name} ${key}`, got[key]?.data, n * outputs[key] * pixels)]),
      )
      use(planes as unknown as MixturePlanes<Float32Array>, from, count)
    }
  }

  function empty(rows: number, pixels: number): MixturePlanes<Float32Array> {
    const planes = names.map((key) => [key, new Float32Array(rows * outputs[key] * pixels)])
    return Object.fromEntries(planes) as MixturePlanes<Float32Array>
  }

  return {
    async logProb(given) {
      const out = new Float64Array(given.rows * pixels)
      const toUnit = (x: Float32Array) => x.map((v) => (2 * (v - mixture.low)) / (mixture.high - mixture.low) - 1)
      await blocks(given, toUnit, (planes, from, count) => {
        mixtureRows(planes, given.x.subarray(from * d, (from + count) * d), count, sizes, out, from * pixels)
      })
      return out
    },
    async params(given) {
      const out = empty(given.rows, pixels)
      await blocks(given, same, (planes, from, count) => {
        for (const key of names) {
          const size = outputs[key] * pixels
          out[key]!.set(planes[key]!.subarray(0, count * size), from * size)
        }
      })
      return out
    },
    async paramsAt(given, pixel) {
      const out = empty(given.rows, 1)
      await blocks(given, same, (planes, from, count) => {
        for (const key of names) {
          const size = outputs[key]
          for (let i = 0; i < count * size; i++) out[key]![from * size + i] = planes[key]![i * pixels + pixel]!
        }
      })
      return out
    },
    release: () => session.release(),
  }
}

/** `count` rows from `from`, followed by copies of the last up to `n` rows. */
function padded(data: Float32Array, from: number, count: number, n: number, size: number): Float32Array {
  const rows = data.subarray(from * size, (from + count) * size)
  if (n === count) return rows
  const out = new Float32Array(n * size)
  out.set(rows)
  for (let row = count; row < n; row++) out.set(rows.subarray((count - 1) * size), row * size)
  return out
}

function same(x: Float32Array): Float32Array {
  return x
}

function floats(what: string, data: TensorStorage | undefined, size: number): Float32Array {
  if (!(data instanceof Float32Array) || data.length !== size)
    throw new OodError('E_SHAPE', `${what}: expected ${size} float32 numbers, got ${data?.length ?? 'none'}`)
  return data
}
