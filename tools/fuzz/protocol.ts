// What the supervisor and its child say to each other, and what is kept between runs.

/** Cases to run: `from` up to `to`, without those in `skip`. */
export interface Chunk {
  from: number
  to: number
  skip: readonly number[]
  /** Milliseconds of processor time a case may take, and megabytes the process. */
  limit: number
  memory: number
}

/** A case that broke a promise. */
export interface Fault {
  index: number
  target: string
  kind: 'raw' | 'message' | 'wrong' | 'slow' | 'hang' | 'memory' | 'crash'
  detail: string
}

/** What a chunk came to. */
export interface Done {
  counts: Record<string, { cases: number; ok: number; refused: number }>
  faults: Fault[]
  /** Processor milliseconds of the slowest case, and the most megabytes the process had. */
  slowest: number
  peak: number
}

/** A run as it is kept: everything before `next` is done. */
export interface State extends Done {
  seed: number
  next: number
  /** Cases that ended their process; they are counted as faults and not run again. */
  skip: number[]
  /** Seconds spent, over all starts. */
  seconds: number
}
