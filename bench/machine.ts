// The machine under the figures, and keeping both sides on the same cores of it.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'

/** What the figures were measured on. */
export interface Machine {
  cpu: string
  cores: number
  memory_gb: number
  platform: string
  node: string
  /** 1-minute load average when the run began: above the threads in use, others were working too. */
  load_before: number
}

/** Describes this machine. */
export function machine(): Machine {
  const all = cpus()
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    load_before: load(),
  }
}

/** 1-minute load average. */
export function load(): number {
  return Math.round(loadavg()[0]! * 100) / 100
}

/**
 * Confines processes, every thread of them, to the first `threads` cores this process may use.
 * Returns whether it could (Linux with `taskset`).
 */
export function pinTo(threads: number, pids: readonly number[]): boolean {
  const cores = allowedCores()
  if (cores.length < threads) return false
  const list = cores.slice(0, threads).join()
  return pids.every((pid) => spawnSync('taskset', ['-a', '-c', '-p', list, String(pid)]).status === 0)
}

let allowed: number[] | undefined

/** Cores this process could use at the start, from the kernel's list such as `0-3,8`. */
function allowedCores(): number[] {
  if (allowed) return allowed
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
    allowed = list.split(',').flatMap((range) => {
      const [from = 0, to = from] = range.split('-').map(Number)
      return Array.from({ length: to - from + 1 }, (_, i) => from + i)
    })
  } catch {
    allowed = [] // no such file outside Linux
  }
  return allowed
}
