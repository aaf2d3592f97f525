// What a manifest says of a flow's inside: its layers in order, as the two training projects write them.
import { mismatch } from '@ood/core'
import type { Manifest } from '@ood/runtime'

/** One layer of a flow, from data to latent. */
export type FlowLayer =
  | CouplingLayer
  /** Space to depth: f x f cells become channels, output channel c f² + f dy + dx. */
  | { readonly type: 'squeeze'; readonly factor: number }
  /** Channels `from`..`to - 1` leave as the next latents; the others go on. */
  | { readonly type: 'leave'; readonly from: number; readonly to: number }

/** A coupling layer. */
export interface CouplingLayer {
  readonly type: 'coupling'
  readonly name: string
  /** Channels that s and t are maps of, `from`..`to - 1` of those in front of the layer. */
  readonly channels: { readonly from: number; readonly to: number }
  /** The mask as the manifest has it. */
  readonly mask: Readonly<Record<string, unknown>>
}

/**
 * The layers that a manifest lists in `model.layers` (RealNVP and Glow of `ood_training.realnvp`), or that follow from
 * `model.levels` (`ood_training.flows`); undefined for a manifest with neither. 1 x 1 convolutions and ActNorm move
 * nothing between positions and are left out.
 *
 * @throws OodError `E_MANIFEST` naming the layer that is wrong
 */
export function flowLayers(manifest: Manifest): FlowLayer[] | undefined {
  const model = manifest.model as { layers?: unknown; levels?: unknown } | undefined
  if (Array.isArray(model?.layers)) return model.layers.flatMap((layer, i) => listed(layer, `model.layers[${i}]`))
  if (Array.isArray(model?.levels)) return fromLevels(model.levels, manifest.data.shape[0]!)
  return undefined
}

function listed(value: unknown, what: string): FlowLayer[] {
  const layer = (value ?? {}) as { type?: unknown; shape?: unknown; name?: unknown; mask?: unknown; keep?: unknown }
  const shape = layer.shape
  if (!(Array.isArray(shape) && shape.length > 0 && shape.every((n) => Number.isSafeInteger(n) && n > 0)))
    throw mismatch('E_MANIFEST', `${what}.shape`, 'sizes of a row', shape)
  const channels = shape[0] as number
  switch (layer.type) {
    case 'linear':
      return []
    case 'squeeze':
      return [{ type: 'squeeze', factor: 2 }]
    case 'split': {
      const keep = layer.keep
      if (!(Number.isSafeInteger(keep) && (keep as number) > 0 && (keep as number) < channels))
        throw mismatch('E_MANIFEST', `${what}.keep`, `a number of channels below ${channels}`, keep)
      return [{ type: 'leave', from: keep as number, to: channels }]
    }
    case 'coupling': {
      if (typeof layer.name !== 'string') throw mismatch('E_MANIFEST', `${what}.name`, 'a name', layer.name)
      const mask = (layer.mask ?? {}) as Record<string, unknown>
      const half = channels / 2
      // Channel masks cut: unreversed, the first half changes.
      const changed =
        mask.kind !== 'channel'
          ? { from: 0, to: channels }
          : mask.reverse
            ? { from: half, to: channels }
            : { from: 0, to: half }
      return [{ type: 'coupling', name: layer.name, channels: changed, mask }]
    }
    default:
      throw mismatch('E_MANIFEST', `${what}.type`, 'coupling, squeeze, split or linear', layer.type)
  }
}

/** Squeeze, steps that change the halves by turns, and then the first half leaves; the last level keeps all. */
function fromLevels(levels: readonly unknown[], channels: number): FlowLayer[] {
  const layers: FlowLayer[] = []
  let c = channels
  let index = 0
  for (const [i, value] of levels.entries()) {
    const { squeeze, steps } = (value ?? {}) as { squeeze?: unknown; steps?: unknown }
    for (const [name, n] of Object.entries({ squeeze, steps }))
      if (!(Number.isSafeInteger(n) && (n as number) > 0))
        throw mismatch('E_MANIFEST', `model.levels[${i}].${name}`, 'a positive integer', n)
    c *= (squeeze as number) ** 2
    // Rows that are vectors are squeezed by 1.
    if (squeeze !== 1) layers.push({ type: 'squeeze', factor: squeeze as number })
    const half = Math.floor(c / 2)
    for (let step = 0; step < (steps as number); step++) {
      const flip = ((steps as number) - 1 - step) % 2 === 0
      layers.push({
        type: 'coupling',
        name: `coupling.${index++}`,
        channels: flip ? { from: 0, to: half } : { from: half, to: c },
        mask: { kind: 'channel', reverse: !flip },
      })
    }
    if (i === levels.length - 1) continue
    layers.push({ type: 'leave', from: 0, to: half })
    c -= half
  }
  return layers
}
