// What a benchmark row is: how it runs, and the record it leaves in results.json.
import type { Peer } from './peer.ts'

/** The smallest time the hardware allows for the work a row cannot avoid. */
export interface Bound {
  ms: number
  /** What limits it. */
  of: 'flops' | 'bytes'
  /** The work counted, in words and numbers. */
  work: string
}

/** One line of results.json. Times are milliseconds; `ours_ms` and `peer_ms` are medians. */
export interface Result {
  name: string
  ours_ms: number
  peer: string | null
  peer_ms: number | null
  /** peer_ms / ours_ms: above 1 we are faster. */
  ratio: number | null
  bound_ms: number
  /** ours_ms / bound_ms: 1 would be the limit of the hardware. */
  distance: number
  bound: string
  ours_min_ms: number
  peer_min_ms: number | null
  runs: number
  threads: number
  /** Present where times are processor time instead of the clock's. */
  clock?: 'processor time'
  /** What was asked of the row, such as `ratio >= 5`. */
  aim?: string
  met?: boolean
  /** How far the two results agree, and what else was seen; plain numbers and words. */
  details: Record<string, string | number>
}

/** A result before it has its row's name. */
export type Measured = Omit<Result, 'name'>

/** Peaks by number of threads: index 1 is one thread, 2 is two. Units: flops and bytes a millisecond. */
export interface Peaks {
  float32: Record<1 | 2, number>
  float64: Record<1 | 2, number>
  bytes: number
}

/** What every row is given. */
export interface Context {
  runs: number
  quick: boolean
  /** Undefined when there is no Python to compare with. */
  peer: Peer | undefined
  peaks: Peaks
  /** Empty folder for inputs that both sides read. */
  folder: string
  /** Confines this process and the peer to `threads` cores. */
  pin(threads: number): void
}

/** One benchmark. */
export interface Row {
  name: string
  run(context: Context): Promise<Measured>
}
