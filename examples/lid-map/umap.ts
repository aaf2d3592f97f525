// UMAP in two dimensions, seeded, with progress and a way to stop it.
import { flatData, type NdArray, type Progress, random, rowCount, rowSize, throwIfAborted } from '@ood/core'
import { UMAP } from 'umap-js'

/** x y of each row in turn; the same for the same seed. */
export async function project(
  points: NdArray,
  { seed, signal, onProgress }: { seed: number; signal: AbortSignal; onProgress: (progress: Progress) => void },
): Promise<Float64Array> {
  const data = flatData(points)
  const width = rowSize(points)
  const rng = random(seed).fork('umap')
  const umap = new UMAP({ nComponents: 2, nNeighbors: 15, minDist: 0.1, random: () => rng.uniform() })
  const epochs = umap.initializeFit(
    Array.from({ length: rowCount(points) }, (_, i) => Array.from(data.subarray(i * width, (i + 1) * width))),
  )
  for (let epoch = 0; epoch < epochs; epoch++) {
    umap.step()
    if (epoch % 20 !== 0) continue
    onProgress({ done: epoch, total: epochs, label: 'umap' })
    // Layout runs on this thread: let a Ctrl-C through.
    await new Promise((resolve) => setImmediate(resolve))
    throwIfAborted(signal, 'umap')
  }
  return Float64Array.from(umap.getEmbedding().flat())
}
