// Latents as images: a multiscale flow's factor-outs and squeezes undone, so that every number stands where it came from.
import { assertCount, assertOptions, flatData, mismatch, type NdArray, random, rowCount, tensor } from '@ood/core'
import type { Manifest } from '@ood/runtime'
import type { Flow, FlowCallOptions } from '../flow.ts'
import { type FlowLayer, flowLayers } from './layers.ts'
import { walkLayers } from './positions.ts'

/** How a flow rearranges a row [C, H, W] on its way to z. */
export interface LatentLayout {
  /** Shape of one row. */
  readonly shape: readonly number[]
  /** Squeezes and factor-outs in order; couplings may stand between. */
  readonly layers: readonly FlowLayer[]
}

/** One scale of the latents. */
export interface LatentScale {
  /** As the flow has it, [N, c, h, w]. */
  readonly latents: NdArray<Float32Array>
  /** In image layout, [N, C, H, W]: 0 where another scale's numbers stand. */
  readonly image: NdArray<Float32Array>
  /** Numbers `from`..`to - 1` of z. */
  readonly from: number
  readonly to: number
}

/** Latents as images. */
export interface LatentImages {
  /** All scales together, [N, C, H, W]. */
  readonly image: NdArray<Float32Array>
  /** Finest first: in the order in which they leave the flow. */
  readonly scales: readonly LatentScale[]
  /** Scale of each position of the image, [C, H, W] flat. */
  readonly scaleOf: Int32Array
}

/**
 * The layout of a flow from its manifest, for the models that `training/` exports. Rows that are vectors have one scale
 * and stay as they are.
 *
 * @throws OodError `E_MANIFEST` for a flow on images whose manifest lists neither `model.layers` nor `model.levels`: write
 *   the layout down, `{ shape, layers: [{ type: 'squeeze', factor: 2 }, { type: 'leave', from: 2, to: 4 }] }`
 * @example
 * const layout = latentLayout(flow.manifest)
 */
export function latentLayout(manifest: Manifest): LatentLayout {
  const { shape } = manifest.data
  const layers = flowLayers(manifest)
  if (layers) return { shape, layers }
  if (shape.length === 1) return { shape, layers: [] }
  throw mismatch('E_MANIFEST', `${manifest.name} model`, 'layers or levels, which say where latents leave', 'neither')
}

/**
 * Every number of z at its place in the image: the inverse of the flow with its couplings, 1 x 1 convolutions and ActNorm
 * left out, which is how Kirichenko et al. 2020 draw latents. Pure rearrangement.
 *
 * @param z - [N, D]
 * @throws OodError `E_SHAPE` for latents of another size, `E_MANIFEST` for a layout that does not fit its shape
 *
 * Cost O(N D) for the image, and again for each scale.
 * @example
 * const { image, scales } = latentImages(await flow.encode(images), latentLayout(flow.manifest))
 */
export function latentImages(z: NdArray, layout: LatentLayout): LatentImages {
  const { scales: placed } = walkLayers(layout.shape, layout.layers)
  const d = layout.shape.reduce((product, n) => product * n, 1)
  const n = rowCount(z, 'latentImages')
  if (z.shape.length !== 2 || z.shape[1] !== d) throw mismatch('E_SHAPE', 'latentImages', `shape [N, ${d}]`, z.shape)
  const values = flatData(z)
  const whole = new Float32Array(n * d)
  const scaleOf = new Int32Array(d)
  let from = 0
  const scales = placed.map(({ shape, at }, index): LatentScale => {
    const size = at.length
    const latents = new Float32Array(n * size)
    const image = new Float32Array(n * d)
    for (let i = 0; i < size; i++) scaleOf[at[i]!] = index
    for (let row = 0; row < n; row++)
      for (let i = 0; i < size; i++) {
        const value = values[row * d + from + i]!
        latents[row * size + i] = value
        image[row * d + at[i]!] = value
        whole[row * d + at[i]!] = value
      }
    const scale = {
      latents: tensor(latents, [n, ...shape]),
      image: tensor(image, [n, ...layout.shape]),
      from,
      to: from + size,
    }
    from += size
    return scale
  })
  return { image: tensor(whole, [n, ...layout.shape]), scales, scaleOf }
}

/**
 * Latents averaged over K draws of the dequantisation noise, [N, D]: what is left is what the image itself says (40 draws
 * in the published pictures). Draw 0 has the seed itself; draw k of row i depends on (seed, k, rows[i]) only.
 *
 * @throws OodError `E_ARGUMENT` draws; what `encode` throws
 *
 * Cost: K encodings.
 * @example
 * const { image } = latentImages(await meanLatents(flow, images, { draws: 40 }), latentLayout(flow.manifest))
 */
export async function meanLatents(
  flow: Pick<Flow, 'encode'>,
  x: NdArray,
  options: FlowCallOptions & { draws?: number | undefined } = {},
): Promise<NdArray<Float32Array>> {
  assertOptions('meanLatents', options, ['draws', 'input', 'rows', 'seed', 'signal', 'batchSize', 'onProgress'])
  const { draws = 40, seed = 0, onProgress, ...call } = options
  assertCount('meanLatents draws', draws)
  let sum: Float64Array | undefined
  let shape: number[] = []
  for (let k = 0; k < draws; k++) {
    const own =
      k === 0
        ? seed
        : random(seed)
            .fork('draw')
            .fork(k)
            .integer(2 ** 52)
    const z = await flow.encode(x, { ...call, seed: own })
    shape = z.shape
    const values = flatData(z)
    sum ??= new Float64Array(values.length)
    for (let i = 0; i < values.length; i++) sum[i] = sum[i]! + values[i]!
    onProgress?.({ done: k + 1, total: draws, label: 'meanLatents' })
  }
  return tensor(
    Float32Array.from(sum!, (value) => value / draws),
    shape,
  )
}
