// A pair of likelihood models written down, with a paradox by construction, and images to go with it.
import { type CallOptions, flatData, type LogProb, type NdArray, random, rowCount, tensor } from '@ood/core'
import type { Manifest } from '@ood/runtime'
import type { OpenedLikelihood } from '../common/checkpoints.ts'
import type { Pair, SetName } from '../likelihood-ratio/measure.ts'

/** Images are 8 x 8: dark above, an object below. */
export const SIDE = 8
const PIXELS = SIDE * SIDE

const uniform = -Math.log(256)

/** log of a two-sided geometric law over 0..255 around `mean`. */
function geometric(rate: number, mean: number): Float64Array {
  const weights = Float64Array.from({ length: 256 }, (_, value) => rate ** Math.abs(value - mean))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => Math.log(weight / total))
}

const dark = geometric(0.8, 0)
const object = geometric(0.985, 128)

/**
 * Independent pixels. Both models know the dark half alike; the semantic one also knows the object, to the background
 * model any grey there is as good as another. `features: false` is a model that gives log p of whole images only.
 */
export function standInPair({ features = true }: { features?: boolean } = {}): Pair {
  return { semantic: standIn('tiny', (value) => object[value]!), background: standIn('tiny-background', () => uniform) }

  function standIn(name: string, ofObject: (value: number) => number): OpenedLikelihood {
    return {
      manifest: manifestOf(name),
      async logProb(x: NdArray, _options?: CallOptions): Promise<LogProb> {
        const n = rowCount(x)
        const feature = Float64Array.from(flatData(x), (value, i) =>
          i % PIXELS < PIXELS / 2 ? dark[value]! : ofObject(value),
        )
        const instance = Float64Array.from({ length: n }, (_, row) =>
          feature.subarray(row * PIXELS, (row + 1) * PIXELS).reduce((sum, value) => sum + value, 0),
        )
        return features ? { instance, feature: tensor(feature, [n, SIDE, SIDE]) } : { instance }
      },
      sample: async (n) => images(n, 9, 'object'),
      release: async () => {},
    }
  }
}

function manifestOf(name: string): Manifest {
  return {
    schemaVersion: 1,
    name,
    kind: 'autoregressive',
    graphs: {},
    data: { dataset: 'made up', shape: [1, SIDE, SIDE], valueRange: [0, 255] },
    preprocessing: [],
    sha256: { 'params.onnx': name },
  }
}

/** Noisy dark halves above grey objects, or blank sheets: likelier pixel by pixel where the noise is, not what was learnt. */
function images(n: number, seed: number, kind: 'object' | 'blank'): NdArray {
  const rng = random(seed)
  const data = Float32Array.from({ length: n * PIXELS }, (_, i) => {
    if (kind === 'blank') return rng.integer(2)
    if (i % PIXELS < PIXELS / 2) return rng.integer(24)
    return Math.min(255, Math.max(0, Math.round(128 + 40 * rng.normal())))
  })
  return tensor(data, [n, 1, SIDE, SIDE])
}

/** The four sets with `n` images each. */
export function standInImages(n: number): Record<SetName, NdArray> {
  return {
    in_distr_train: images(n, 1, 'object'),
    ood_train: images(n, 2, 'blank'),
    in_distr_test: images(n, 3, 'object'),
    ood: images(n, 4, 'blank'),
  }
}
