// Rows to try a model on: the user's images, or seeded noise of the model's units.
import { type NdArray, random, tensor } from '@ood/core'
import { dataUnits, type TransformSpec } from '@ood/datasets'
import type { Manifest } from '@ood/runtime'

/** `n` rows of uniform noise in the value range of a manifest; whole numbers where the model takes those. */
export function noiseRows(manifest: Manifest, n: number): NdArray {
  const { data, kind, sequence } = manifest
  const d = data.shape.reduce((product, size) => product * size, 1)
  const units = dataUnits({
    preprocessing: manifest.preprocessing as unknown as TransformSpec[],
    valueRange: data.valueRange,
    shape: data.shape,
  })
  const [low, high] = sequence ? [0, sequence.vocabulary - 1] : (units.valueRange ?? data.valueRange ?? [0, 1])
  const whole = units.wholeNumbers || units.manyLevels || kind === 'autoregressive' || kind === 'sequence'
  const rng = random(0).fork('check-model')
  const draw = (): number => (whole ? low + rng.integer(high - low + 1) : low + (high - low) * rng.uniform())
  return tensor(Float32Array.from({ length: n * d }, draw), [n, ...data.shape])
}
