// What the tests of this package share: temporary folders, their contents, and child processes.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

// These tests flush thousands of small files; where the system has a folder in memory that costs nothing.
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const made: string[] = []

afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A new empty folder, removed after the test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(base, 'ood-run-'))
  made.push(folder)
  return folder
}

/** Path -> contents of every file below `folder`, but for the journal, whose times and pids differ from run to run. */
export function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map((entry) => relative(folder, join(entry.parentPath, entry.name))).sort()
  return Object.fromEntries(
    paths.filter((path) => path !== 'run.jsonl').map((path) => [path, readFileSync(join(folder, path), 'latin1')]),
  )
}

/** Starts `child.ts` from source; `output` is its standard output, `k` the change of the disk at which it is killed. */
export function startChild(mode: string, folder = '', output: number | string = 'pipe', k = 0): ChildProcess {
  const child = fileURLToPath(new URL('./child.ts', import.meta.url))
  return spawn(process.execPath, ['--conditions=@ood/source', '--import', 'tsx', child, mode, folder, String(k)], {
    stdio: ['ignore', output as 'pipe', 'pipe'],
  })
}

/** How a child ended. */
export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** Waits for the end of a child. `onReady` is called at its first output. */
export function ended(child: ChildProcess, onReady?: () => void): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout?.once('data', () => onReady?.())
  child.stdout?.on('data', (data) => {
    stdout += data
  })
  child.stderr!.on('data', (data) => {
    stderr += data
  })
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })))
}
