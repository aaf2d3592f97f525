// Both directions of an example, one after the other: opens the model, draws its samples, loads the images, releases.
import type { CallOptions, NdArray } from '@ood/core'
import { checkpointPath } from '@ood/zoo'
import type { Bench } from './bench.ts'
import type { CommonOptions } from './command-line.ts'
import { loadSplits } from './images.ts'
import { type Direction, directionsOf, type SplitName } from './splits.ts'

/** A model of a checkpoint that draws samples. */
export interface Sampler {
  readonly manifest?: { readonly sha256: unknown } | undefined
  sample(n: number, options?: CallOptions): Promise<NdArray>
  release(): Promise<void>
}

/** What `use` gives for the model and the images of each direction of the checkpoints `<kind>-fmnist` and `<kind>-mnist`. */
export async function eachDirection<Model extends Sampler, Result>(
  kind: string,
  open: (checkpoint: string, options: { workers: number | undefined }) => Promise<Model>,
  bench: Bench,
  options: CommonOptions,
  use: (direction: Direction, model: Model, images: Record<SplitName, NdArray>) => Promise<Result>,
): Promise<Result[]> {
  const { run, seed, signal } = bench
  const all: Result[] = []
  for (const direction of directionsOf(kind)) {
    const { checkpoint } = direction
    const model = await open(checkpointPath(checkpoint), { workers: options.workers })
    try {
      const draw = (n: number) =>
        run.step(`${checkpoint}/samples`, () => model.sample(n, { seed, signal }), { key: model.manifest?.sha256 })
      all.push(await use(direction, model, await loadSplits(direction, draw, options, signal)))
    } finally {
      await model.release()
    }
  }
  return all
}
