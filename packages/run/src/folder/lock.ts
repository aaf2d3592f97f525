// The lock of a run folder: one process at a time, and a lock whose process is gone does not count.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { OodError } from '@ood/core'
import { PART } from '@ood/core/node'

interface Holder {
  pid: number
  host: string
  /** Start time of the process in kernel ticks, where the system tells: a reused pid differs in it. */
  started?: string
}

const NAME = 'run.lock'

/**
 * Takes the lock of `folder` and returns the function that gives it back (also called when the process exits).
 *
 * @throws OodError `E_FILE` when another live process, or a process of another machine, holds it
 */
export function takeLock(folder: string): () => void {
  const path = join(folder, NAME)
  const started = startTime(process.pid)
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), ...(started && { started }) } satisfies Holder)
  const draft = join(folder, `${NAME}.${process.pid}${PART}`)
  // A killed process of the same number may have left this name as a second link to its lock: never write into it.
  rmSync(draft, { force: true })
  try {
    writeFileSync(draft, mine)
    // A link is made whole or not at all, so nobody can read a lock that is still being written.
    for (let attempt = 0; !tryLink(draft, path); attempt++) {
      const text = readText(path)
      if (text === undefined) continue
      if (attempt > 20 || !isStale(text)) throw held(folder, path, text)
      removeStale(path, text)
    }
  } finally {
    rmSync(draft, { force: true })
  }
  const release = () => {
    process.off('exit', release)
    try {
      if (readText(path) === mine) rmSync(path, { force: true })
    } catch {
      // The folder has become read-only: a lock whose process is gone does not count.
    }
  }
  process.on('exit', release)
  return release
}

function held(folder: string, path: string, text: string): OodError {
  const holder = parse(text)
  const who = holder ? `process ${holder.pid} on ${holder.host} working in it` : 'a lock that names no process'
  return new OodError('E_FILE', `${folder}: expected no other process, got ${who} (if it is gone, delete ${path})`)
}

/** Moves the stale lock away, and puts it back when another process was faster and it is no longer the stale one. */
function removeStale(path: string, text: string): void {
  const aside = `${path}.${process.pid}.stale${PART}`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  if (readText(aside) !== text) tryLink(aside, path)
  rmSync(aside, { force: true })
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    return tryCopy(from, to)
  }
}

/** For file systems without links: creation is exclusive too, only the contents follow a moment later. */
function tryCopy(from: string, to: string): boolean {
  try {
    writeFileSync(to, readFileSync(from), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    // Made but not filled, as on a full disk: a lock that names nobody would never be given back.
    rmSync(to, { force: true })
    throw error
  }
}

function isStale(text: string): boolean {
  const holder = parse(text)
  if (!holder || holder.host !== hostname()) return false
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
  if (processState(holder.pid) === 'Z') return true // killed, and its parent has not looked yet
  const started = startTime(holder.pid)
  return holder.started !== undefined && started !== undefined && started !== holder.started
}

function parse(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder
    return Number.isInteger(holder.pid) && holder.pid > 0 ? holder : undefined
  } catch {
    return undefined
  }
}

function processState(pid: number): string | undefined {
  return processFields(pid)?.[0]
}

function startTime(pid: number): string | undefined {
  return processFields(pid)?.[19]
}

/** Fields 3 onwards of Linux's /proc/<pid>/stat; field 2 is a name that may hold spaces, so start at its bracket. */
function processFields(pid: number): string[] | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
