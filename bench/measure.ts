// Timing: ours and the peer by turns, so that both see the same machine; medians and minima.
import { median } from '@ood/core'
import type { Answer } from './peer.ts'
import type { Bound, Context, Measured } from './types.ts'

/** A row's two sides. */
export interface Sides {
  threads: number
  ours: () => unknown
  /**
   * What is timed: the clock on the wall (default), or the processor time of the process, all threads together, which
   * other programs on the machine lengthen least and which counts threads that were not worth starting.
   */
  clock?: 'wall' | 'cpu'
  /** Items that one call of `ours` handles; times are per item. */
  oursItems?: number
  /** One timed call of the peer. */
  peer?: (() => Promise<Answer>) | undefined
  peerItems?: number
  peerName: string
  bound: Bound
  /** Least peer/ours asked for. */
  aimRatio?: number
  /** Most milliseconds asked for. */
  aimMs?: number
  details?: Record<string, string | number>
}

/** Lets threads of the other side, which may still spin for their next task, go to sleep. */
const SETTLE_MS = 50

/** Runs both sides once to warm up, then `runs` times by turns; who goes first alternates. */
export async function measure({ runs, pin }: Pick<Context, 'runs' | 'pin'>, sides: Sides): Promise<Measured> {
  const { ours, peer, oursItems = 1, peerItems = 1 } = sides
  pin(sides.threads)
  const isCpu = sides.clock === 'cpu'
  const now = isCpu ? processMs : () => performance.now()
  const timeOf = ({ ms, cpu_ms }: Answer): number => (isCpu ? cpu_ms : ms)
  const oursMs: number[] = []
  const peerMs: number[] = []
  const turns = [
    async () => {
      const start = now()
      await ours()
      oursMs.push((now() - start) / oursItems)
    },
    ...(peer ? [async () => void peerMs.push(timeOf(await peer()) / peerItems)] : []),
  ]
  for (let run = 0; run <= runs; run++) {
    for (const turn of run % 2 ? turns : turns.toReversed()) {
      await new Promise((done) => setTimeout(done, SETTLE_MS))
      await turn()
    }
  }
  return result(sides, oursMs.slice(1), peerMs.slice(1))
}

/** Processor time of this process so far. */
function processMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function result(sides: Sides, oursMs: number[], peerMs: number[]): Measured {
  const { threads, bound, aimRatio, aimMs, details = {} } = sides
  const ours = median(oursMs)
  const peer = peerMs.length > 0 ? median(peerMs) : null
  const ratio = peer === null ? null : peer / ours
  const asked =
    aimRatio !== undefined ? { aim: `ratio >= ${aimRatio}` } : aimMs !== undefined ? { aim: `< ${aimMs} ms` } : {}
  const met = aimRatio !== undefined ? ratio !== null && ratio >= aimRatio : aimMs !== undefined && ours < aimMs
  const judged = 'aim' in asked && (aimRatio === undefined || ratio !== null)
  return {
    ours_ms: round(ours),
    peer: peer === null ? null : sides.peerName,
    peer_ms: peer === null ? null : round(peer),
    ratio: ratio === null ? null : round(ratio),
    bound_ms: round(bound.ms),
    distance: round(ours / bound.ms),
    bound: `${bound.of}: ${bound.work}`,
    ours_min_ms: round(Math.min(...oursMs)),
    peer_min_ms: peer === null ? null : round(Math.min(...peerMs)),
    runs: oursMs.length,
    threads,
    ...(sides.clock === 'cpu' && { clock: 'processor time' as const }),
    ...asked,
    ...(judged ? { met } : {}),
    details,
  }
}

/** Four significant digits: more would be noise. */
export function round(value: number): number {
  return Number(value.toPrecision(4))
}
