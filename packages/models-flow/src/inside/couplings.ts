// The coupling layers of a flow: what is there, and the maps s and t that its network predicts for given rows.
import {
  assertOptions,
  CALL_OPTIONS,
  flatData,
  mismatch,
  type NdArray,
  OodError,
  once,
  rowCount,
  tensor,
  throwIfAborted,
  unknownName,
} from '@ood/core'
import { preprocessing, type TransformSpec } from '@ood/datasets'
import { type Dim, graphBuilder, type Model, readModel, withOutputs, writeModel } from '@ood/onnx'
import {
  type Checkpoint,
  feedNumbers,
  type Manifest,
  openModelFolder,
  openSession,
  type Session,
  toFloat32,
} from '@ood/runtime'
import type { FlowCallOptions } from '../flow.ts'
import { flowShape } from '../internal/shape.ts'
import { type CouplingForm, type CouplingValues, findCouplings } from './find-couplings.ts'
import { flowLayers } from './layers.ts'
import { channelsOf, type Placed, type Walk, walkLayers } from './positions.ts'

/** One coupling layer. */
export interface CouplingInfo {
  /** `coupling.0`, `coupling.1` ... from data to latent. */
  readonly name: string
  /** How it uses its maps: y = (x + t) exp(s), or y = x exp(s) + t. */
  readonly form: CouplingForm
  /** Names of the maps in the encoder's graph. */
  readonly values: Omit<CouplingValues, 'form'>
  /** Shape of s and t, without the batch; a string is a size known only at run time. */
  readonly shape: readonly Dim[]
  /** Shape of a row in front of the layer, where the manifest says it. */
  readonly input?: readonly number[]
  /** The mask, where the manifest says it. */
  readonly mask?: Readonly<Record<string, unknown>>
}

/** The maps of one coupling for N rows. */
export interface CouplingMaps {
  /** As the graph has them, [N, ...shape]. */
  readonly s: NdArray<Float32Array>
  readonly t: NdArray<Float32Array>
  /**
   * In image layout, [N, C, H, W]: squeezes undone, 0 where the coupling changes nothing and where channels have left
   * already; absent where the manifest does not say what is where. `y` is what leaves the coupling, with the latents that
   * left before at their places; only where the graph names it.
   */
  readonly image?: {
    readonly s: NdArray<Float32Array>
    readonly t: NdArray<Float32Array>
    readonly y?: NdArray<Float32Array>
  }
}

/** Options of `maps`. */
export interface CouplingCallOptions extends FlowCallOptions {
  /** Couplings by name (default: all of them). */
  names?: readonly string[] | undefined
}

/** The couplings of an opened flow. */
export interface Couplings {
  readonly couplings: readonly CouplingInfo[]
  /**
   * Maps of the couplings for rows `x`, by name.
   *
   * @throws OodError `E_UNKNOWN_NAME` for a coupling that is not there; as `encode`
   */
  maps(x: NdArray, options?: CouplingCallOptions): Promise<Record<string, CouplingMaps>>
  release(): Promise<void>
}

const FOLDER = 'a flow folder: manifest.json and its graph encode: x -> z, logdet'

/**
 * Lists the affine couplings of a flow's encoder, in the order of computation: by the names `coupling.K.s` and
 * `coupling.K.t` of inner values, or in a graph without them by structure.
 *
 * @param source - folder, or the result of `openCheckpoint`
 * @throws OodError `E_UNSUPPORTED` for a graph in which there are none, such as one of spline couplings; as `openFlow`
 * @example
 * for (const { name, shape, mask } of await couplings('my-flow')) console.log(name, shape, mask)
 */
export async function couplings(source: string | Checkpoint): Promise<CouplingInfo[]> {
  const checkpoint = await openModelFolder(source, FOLDER)
  return describe(checkpoint.manifest, readModel(await checkpoint.graph('encode'))).map(({ info }) => info)
}

/**
 * Opens the couplings of a flow: its encoder with the maps as further outputs, written in TypeScript from the graph that
 * was exported. s and t show what a coupling's network makes of the part of the image that it sees: in image flows they
 * predict the other pixels from their neighbours (Kirichenko et al. 2020, section 5).
 *
 * @throws OodError as `couplings`
 * @example
 * const inside = await openCouplings('my-flow')
 * const { 'coupling.0': maps } = await inside.maps(images, { names: ['coupling.0'], seed: 1 })
 * maps.image.s // [N, C, H, W]
 * await inside.release()
 */
export async function openCouplings(source: string | Checkpoint): Promise<Couplings> {
  const checkpoint = await openModelFolder(source, FOLDER)
  const { manifest, folder } = checkpoint
  const shape = flowShape(manifest, folder)
  const transform = preprocessing(manifest.preprocessing as unknown as TransformSpec[])
  const encoder = readModel(await checkpoint.graph('encode'))
  const found = describe(manifest, encoder)
  const walk = walkOf(manifest)
  const sessions = new Map<string, ReturnType<typeof once<Session>>>()
  const known = found.map(({ info }) => info.name)

  /** The encoder with these values and z as its only outputs. */
  function session(values: readonly string[]): Promise<Session> {
    const key = values.join('\n')
    const opened =
      sessions.get(key) ??
      once(() =>
        openSession(writeModel(withOutputs(encoder, ['z', ...values], { only: true })), {
          threads: 1,
          name: `${manifest.name} couplings`,
        }),
      )
    sessions.set(key, opened)
    return opened.get()
  }

  async function maps(x: NdArray, options: CouplingCallOptions = {}): Promise<Record<string, CouplingMaps>> {
    assertOptions('couplings maps', options, [...CALL_OPTIONS, 'input', 'names'])
    const { names = known, input = 'pixel', seed = 0, rows, signal, batchSize = 32, onProgress } = options
    const chosen = names.map((name) => {
      const one = found.find(({ info }) => info.name === name)
      if (!one) throw unknownName('coupling', name, known)
      return one
    })
    const n = rowCount(x, 'couplings maps')
    const row = input === 'pixel' ? shape.dataShape : shape.modelShape
    if (x.shape.slice(1).join() !== row.join())
      throw mismatch('E_SHAPE', 'couplings maps', `shape [N, ${row.join(', ')}]`, `[${x.shape.join(', ')}]`)
    const v = input === 'pixel' ? transform.forward(x, { seed, rows }).y : x
    const run = await session(
      chosen.flatMap(({ info: { values } }) => [values.s, values.t, ...(values.y ? [values.y] : [])]),
    )
    const collected = new Map<string, { data: Float32Array; shape: number[] }>()
    const d = shape.dimension
    const flat = flatData(v)
    for (let from = 0; from < n; from += batchSize) {
      throwIfAborted(signal, 'couplings maps')
      const to = Math.min(n, from + batchSize)
      const out = await run.run({
        x: feedNumbers(run, 'x', Float32Array.from(flat.subarray(from * d, to * d)), [to - from, ...shape.modelShape]),
      })
      for (const [name, value] of Object.entries(out)) {
        const size = value.data.length / (to - from)
        const all = collected.get(name) ?? { data: new Float32Array(n * size), shape: [n, ...value.shape.slice(1)] }
        all.data.set(toFloat32(value.data as Float32Array), from * size)
        collected.set(name, all)
      }
      onProgress?.({ done: to, total: n, label: 'couplings maps' })
    }
    const batch = (name: string): NdArray<Float32Array> => {
      const { data, shape: sizes } = collected.get(name)!
      return tensor(data, sizes)
    }
    return Object.fromEntries(
      chosen.map(({ info, at }): [string, CouplingMaps] => {
        const [s, t] = [batch(info.values.s), batch(info.values.t)]
        if (!at || !walk) return [info.name, { s, t }]
        const changed = channelsOf(at, at.layer.channels.from, at.layer.channels.to)
        const image = (map: NdArray<Float32Array>): NdArray<Float32Array> => placed(map, changed, shape.dataShape)
        const y = info.values.y === undefined ? undefined : withLatents(batch(info.values.y), at, batch('z'), walk)
        return [info.name, { s, t, image: { s: image(s), t: image(t), ...(y ? { y } : {}) } }]
      }),
    )

    /** A coupling's output with what left before it. */
    function withLatents(
      y: NdArray<Float32Array>,
      at: Walk['couplings'][number],
      z: NdArray<Float32Array>,
      whole: Walk,
    ) {
      const image = placed(y, at, shape.dataShape)
      const [values, out] = [flatData(z), flatData(image)]
      let begin = 0
      for (const scale of whole.scales.slice(0, at.left)) {
        for (let i = 0; i < n; i++)
          for (let k = 0; k < scale.at.length; k++) out[i * d + scale.at[k]!] = values[i * d + begin + k]!
        begin += scale.at.length
      }
      return image
    }
  }

  return {
    couplings: found.map(({ info }) => info),
    maps,
    async release() {
      for (const opened of sessions.values()) await opened.release()
      sessions.clear()
    },
  }
}

function walkOf(manifest: Manifest): Walk | undefined {
  const layers = flowLayers(manifest)
  return layers && walkLayers(manifest.data.shape, layers)
}

interface Described {
  info: CouplingInfo
  /** Where its tensor stands in the row. */
  at: Walk['couplings'][number] | undefined
}

function describe(manifest: Manifest, encoder: Model): Described[] {
  const values = findCouplings(encoder)
  if (values.length === 0)
    throw new OodError(
      'E_UNSUPPORTED',
      `couplings of ${manifest.name}: expected affine couplings, values coupling.K.s and coupling.K.t or scale and shift by structure, got none`,
    )
  const g = graphBuilder({ from: encoder })
  const walk = walkOf(manifest)
  // A manifest whose layers are not those of the graph says nothing about it.
  const fits = walk?.couplings.length === values.length
  return values.map(({ form, ...names }, index) => {
    const shape = g.info(names.s).shape?.slice(1) ?? []
    const at = fits ? walk.couplings[index] : undefined
    if (at) assertFits(manifest, at, shape)
    return {
      at,
      info: {
        name: at?.layer.name ?? `coupling.${index}`,
        form,
        values: names,
        shape,
        ...(at ? { input: at.shape, mask: at.layer.mask } : {}),
      },
    }
  })
}

function assertFits(manifest: Manifest, at: Walk['couplings'][number], shape: readonly Dim[]): void {
  const { from, to } = at.layer.channels
  const expected = [to - from, ...at.shape.slice(1)]
  const size = (sizes: readonly Dim[]): number => sizes.reduce((product: number, n) => product * Number(n), 1)
  if (Number.isNaN(size(shape)) || size(shape) === size(expected)) return
  throw mismatch('E_MANIFEST', `${manifest.name} ${at.layer.name}`, `maps of [${expected}] as model says`, `[${shape}]`)
}

/** Maps at their places in the image, 0 elsewhere. */
function placed(map: NdArray<Float32Array>, { at }: Placed, shape: readonly number[]): NdArray<Float32Array> {
  const n = map.shape[0]!
  const d = shape.reduce((product, size) => product * size, 1)
  const values = flatData(map)
  const out = new Float32Array(n * d)
  for (let row = 0; row < n; row++)
    for (let i = 0; i < at.length; i++) out[row * d + at[i]!] = values[row * at.length + i]!
  return tensor(out, [n, ...shape])
}
