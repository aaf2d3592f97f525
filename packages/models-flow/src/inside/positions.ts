// Where every number of a row stands as a flow rearranges it: index tensors sent through its squeezes and factor-outs.
import { mismatch } from '@ood/core'
import type { CouplingLayer, FlowLayer } from './layers.ts'

/** Positions of a tensor's numbers in the row that came in. */
export interface Placed {
  /** [C, H, W], or [D]. */
  readonly shape: readonly number[]
  /** For each number, its index in the flat row. */
  readonly at: Int32Array
}

/** A row sent through all layers. */
export interface Walk {
  /** What leaves at each scale, in the order in which z has it; the last one is what stays. */
  readonly scales: readonly Placed[]
  /** The tensor in front of each coupling, and how many scales had left before. */
  readonly couplings: readonly (Placed & { readonly layer: CouplingLayer; readonly left: number })[]
}

/**
 * Sends the indices of a row of `shape` through the layers; couplings move nothing.
 *
 * @throws OodError `E_MANIFEST` for a squeeze that does not divide, or channels that are not there
 */
export function walkLayers(shape: readonly number[], layers: readonly FlowLayer[]): Walk {
  const size = shape.reduce((product, n) => product * n, 1)
  let here: Placed = { shape: [...shape], at: Int32Array.from({ length: size }, (_, i) => i) }
  const scales: Placed[] = []
  const couplings: (Placed & { layer: CouplingLayer; left: number })[] = []
  for (const layer of layers) {
    if (layer.type === 'coupling') {
      const { from, to } = layer.channels
      if (to > here.shape[0]! || from < 0 || from >= to)
        throw mismatch('E_MANIFEST', layer.name, `channels within 0..${here.shape[0]}`, `${from}..${to}`)
      couplings.push({ ...here, layer, left: scales.length })
    } else if (layer.type === 'squeeze') here = squeezed(here, layer.factor)
    else {
      scales.push(channelsOf(here, layer.from, layer.to))
      here = withoutChannels(here, layer.from, layer.to)
    }
  }
  return { scales: [...scales, here], couplings }
}

function squeezed({ shape, at }: Placed, factor: number): Placed {
  const [c, h, w] = shape as [number, number, number]
  const f = factor
  if (shape.length !== 3 || h % f !== 0 || w % f !== 0)
    throw mismatch('E_MANIFEST', 'squeeze', `an image whose sides ${f} divides`, `[${shape}]`)
  const [rows, columns] = [h / f, w / f]
  const out = new Int32Array(at.length)
  for (let i = 0; i < out.length; i++) {
    const x = i % columns
    const y = Math.floor(i / columns) % rows
    const channel = Math.floor(i / (columns * rows))
    const [dx, dy] = [channel % f, Math.floor(channel / f) % f]
    out[i] = at[(Math.floor(channel / (f * f)) * h + y * f + dy) * w + x * f + dx]!
  }
  return { shape: [c * f * f, rows, columns], at: out }
}

/** Channels `from`..`to - 1`. */
export function channelsOf({ shape, at }: Placed, from: number, to: number): Placed {
  const plane = at.length / shape[0]!
  if (!(from >= 0 && from < to && to <= shape[0]!))
    throw mismatch('E_MANIFEST', 'factor-out', `channels within 0..${shape[0]}`, `${from}..${to}`)
  return { shape: [to - from, ...shape.slice(1)], at: at.slice(from * plane, to * plane) }
}

function withoutChannels({ shape, at }: Placed, from: number, to: number): Placed {
  const plane = at.length / shape[0]!
  const kept = new Int32Array(at.length - (to - from) * plane)
  kept.set(at.subarray(0, from * plane))
  kept.set(at.subarray(to * plane), from * plane)
  return { shape: [shape[0]! - (to - from), ...shape.slice(1)], at: kept }
}
