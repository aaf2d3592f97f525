// What `ood score` and `ood fit` share: open the flow, read the images, work through them in stored batches.
import { renameSync, rmSync } from 'node:fs'
import { type CallOptions, flatData, forEachBatch, type NdArray, OodError, rowCount, sliceRows } from '@ood/core'
import { sha256 } from '@ood/core/node'
import type { Flow } from '@ood/models-flow'
import { type BatchColumns, joinBatches, openRun, type Run } from '@ood/run'
import { type ImagesOptions, readImages } from './images.ts'
import { checkpointFolder } from './model.ts'

/** Options of both commands. */
export interface WorkOptions extends Omit<ImagesOptions, 'shape'> {
  /** Checkpoint folder or shipped name. */
  model: string
  /** Where the images are; see `readImages`. */
  images: string
  seed: number
  /** Images between two stores; a kill loses at most this many. */
  batchSize: number
  device?: string | undefined
  workers?: number | undefined
}

/** What the work of a command gets. */
interface WorkParts {
  flow: Flow
  images: NdArray
  names: readonly string[]
  /** Calls `compute` on batches of the images with their row numbers, stores each result and joins them all. */
  batches<C extends BatchColumns>(label: string, compute: (x: NdArray, rows: number[]) => Promise<C>): Promise<C>
}

/**
 * Opens flow and images and does `work`. With an `out` file, finished batches are kept in the folder `<out>.run` until
 * the work is done, so the same command goes on after a kill; the folder is then removed.
 */
export async function withFlow<T>(
  out: string | undefined,
  config: Record<string, unknown>,
  options: WorkOptions,
  work: (parts: WorkParts) => Promise<T>,
): Promise<T> {
  const { openFlow } = await import('@ood/models-flow')
  const { parseDevice } = await import('@ood/runtime')
  const { model, device, workers, seed, batchSize, signal, onProgress } = options
  const flow = await openFlow(await checkpointFolder(model), {
    device: device === undefined ? undefined : parseDevice(device),
    workers,
  })
  try {
    const { images, names } = await readImages(options.images, { ...options, shape: flow.dataShape })
    const contents = contentsOf(images)
    const everything = { ...config, model: flow.manifest.sha256, images: contents, seed, batchSize }
    const rest = { signal, onProgress }
    const parts = (run?: Run): WorkParts => ({
      flow,
      images,
      names,
      batches: batchWorker(images, batchSize, run, rest),
    })
    return await (out ? stored(out, everything, (run) => work(parts(run))) : work(parts()))
  } finally {
    await flow.release()
  }
}

/** Does `work` in a run kept beside `out` until it is done, so that the same command goes on after a kill; without `out`, without a run. */
export async function workInRun<T>(
  out: string | undefined,
  config: Record<string, unknown>,
  images: Readonly<Record<string, NdArray>>,
  work: (run: Run | undefined) => Promise<T>,
): Promise<T> {
  if (!out) return await work(undefined)
  const contents = Object.fromEntries(Object.entries(images).map(([set, x]) => [set, contentsOf(x)]))
  return await stored(out, { ...config, images: contents }, work)
}

/** Works in the folder `<out>.run`; it stays only where going on makes sense: after a stop, a kill or a fault. */
async function stored<T>(out: string, config: object, work: (run: Run) => Promise<T>): Promise<T> {
  const folder = `${out}.run`
  const gone = `${folder}.gone`
  rmSync(gone, { recursive: true, force: true })
  // What is left of another command's work is worth nothing, so it gives way.
  const run: Run = openRun<unknown>({ folder, config, overwrite: true })
  const discard = () => {
    run.close()
    // Renamed first: a kill while removing must not leave a folder that is no run.
    renameSync(folder, gone)
    rmSync(gone, { recursive: true, force: true })
  }
  try {
    const result = await work(run)
    discard()
    return result
  } catch (error) {
    if (error instanceof OodError && error.code !== 'E_ABORTED') discard()
    throw error
  } finally {
    run.close()
  }
}

type CallRest = Pick<CallOptions, 'signal' | 'onProgress'>

function batchWorker(images: NdArray, batchSize: number, run: Run | undefined, rest: CallRest): WorkParts['batches'] {
  const total = rowCount(images)
  return async <C extends BatchColumns>(label: string, compute: (x: NdArray, rows: number[]) => Promise<C>) => {
    const on = (from: number, to: number): Promise<C> => {
      const rows = Array.from({ length: to - from }, (_, i) => from + i)
      return compute(sliceRows(images, from, to), rows)
    }
    if (run) return run.batches(label, total, batchSize, on, rest)
    const done: { rows: number; value: C }[] = []
    await forEachBatch(label, total, batchSize, { ...rest, batchSize }, async (from, to) => {
      done.push({ rows: to - from, value: await on(from, to) })
    })
    return joinBatches(label, done)
  }
}

/** Hash of the numbers of some images: a stored run is of these and no others. */
export function contentsOf(images: NdArray): string {
  const { buffer, byteOffset, byteLength } = flatData(images)
  return sha256(new Uint8Array(buffer, byteOffset, byteLength))
}
