// What a PixelCNN++ checkpoint says about itself, checked against its graph.
import { mismatch } from '@ood/core'
import type { Manifest, Mixture } from '@ood/runtime'

/** Sizes of a PixelCNN++. */
export interface PixelCnnFacts {
  /** [C, H, W]. */
  dataShape: readonly [number, number, number]
  mixture: Mixture
  /** Shape of one condition; absent for models without. */
  conditionShape: readonly number[] | undefined
}

/**
 * Checks that a manifest describes a PixelCNN++ this package can run: kind, mixture, image shape, and the ports of its
 * graph.
 *
 * @throws OodError `E_MANIFEST` naming the folder and field
 */
export function pixelCnnFacts(manifest: Manifest, folder: string): PixelCnnFacts {
  const fail = (field: string, expected: string, got: unknown) =>
    mismatch('E_MANIFEST', `${folder} ${field}`, expected, got)
  if (manifest.kind !== 'autoregressive') throw fail('kind', 'autoregressive', manifest.kind)
  const { mixture } = manifest
  if (!mixture) throw fail('mixture', '{ name, components, low, high, channelDependence }', mixture)
  const { shape, valueRange } = manifest.data
  if (shape.length !== 3) throw fail('data.shape', '[C, H, W]', shape)
  if (valueRange[0] !== mixture.low || valueRange[1] !== mixture.high)
    throw fail('mixture low and high', `data.valueRange [${valueRange}]`, [mixture.low, mixture.high])
  // The network and its workers take float32, which has no more whole numbers than these.
  if (mixture.low < -(2 ** 24) || mixture.high > 2 ** 24)
    throw fail('mixture low and high', 'values within 2^24 of 0', [mixture.low, mixture.high])
  const [c, h, w] = shape as [number, number, number]
  const { components: m } = mixture
  const { inputs, outputs } = manifest.graphs.params!
  const { conditionShape } = manifest
  const ports: [string, (number | string)[] | undefined, number[]][] = [
    ['inputs.x', inputs.x, [c, h, w]],
    ['outputs.logits', outputs.logits, [m, h, w]],
    ['outputs.locations', outputs.locations, [m, c, h, w]],
    ['outputs.scales', outputs.scales, [m, c, h, w]],
  ]
  if (c > 1) ports.push(['outputs.coefficients', outputs.coefficients, [m, (c * (c - 1)) / 2, h, w]])
  if (conditionShape) ports.push(['inputs.condition', inputs.condition, conditionShape])
  for (const [name, got, expected] of ports) {
    const free = typeof got?.[0] === 'string'
    if (!free || got.slice(1).join() !== expected.join())
      throw fail(`graphs.params.${name}`, `shape [N, ${expected.join(', ')}]`, got)
  }
  if (inputs.condition && !conditionShape)
    throw fail('conditionShape', `[${inputs.condition.slice(1).join(', ')}]`, conditionShape)
  return { dataShape: [c, h, w], mixture, conditionShape }
}
