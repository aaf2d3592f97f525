// What `loadDataset` is asked for and what it gives.
import type { CallOptions, NdArray } from '@ood/core'
import type { Split } from './sources.ts'

/** What to load and from where. */
export interface LoadOptions extends Pick<CallOptions, 'signal' | 'onProgress' | 'seed'> {
  /** Which part (default `train`). */
  split?: Split | undefined
  /** At most this many images, a random subset fixed by `seed` (default 0); a smaller one begins a larger one. */
  limit?: number | undefined
  /** These rows of the split instead, in this order. */
  indices?: ArrayLike<number> | undefined
  /** Folder with `<name>/<official file names>`, gzipped or not (default `OOD_DATA_DIR`). */
  dataDir?: string | undefined
  /** Where downloads are kept (default `OOD_CACHE_DIR`, else `ood` in the XDG cache folder). */
  cacheDir?: string | undefined
  /** Never download (default: whether `OOD_OFFLINE` is set). */
  offline?: boolean | undefined
  /** Base addresses to use instead of the official ones. */
  mirrors?: readonly string[] | undefined
  /** Check that contents are the official ones, also in a data folder (default true). */
  verify?: boolean | undefined
}

/** A split of a data set as a batch. */
export interface Dataset {
  name: string
  split: Split
  /** [N, 1, 28, 28], whole numbers 0..255. */
  images: NdArray<Float32Array>
  /** Class of each image, an index into `classes`. */
  labels: Int32Array
  classes: readonly string[]
  /** Row of each image in the whole split. */
  indices: Int32Array
}
