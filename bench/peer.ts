// The Python side: one process that stays open and answers one JSON line a command.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { OodError } from '@ood/core'

/** Time of one call, taken inside the peer, and what it computed. */
export interface Answer {
  ms: number
  /** Processor time of the same call. */
  cpu_ms: number
  result: Record<string, unknown>
}

/** A running Python process. */
export interface Peer {
  readonly pid: number
  /** Versions of Python and its libraries. */
  readonly versions: Record<string, string>
  /** Loads what a row needs; returns what it says about itself. */
  prepare(row: string, options: Record<string, unknown>): Promise<Record<string, unknown>>
  /** One timed call of a prepared row. */
  run(row: string): Promise<Answer>
  close(): void
}

/** Python to use: `OOD_PYTHON`, else the repository's own virtual environment, else none. */
export function findPython(): string | undefined {
  const { env } = process
  if (env.OOD_PYTHON) return env.OOD_PYTHON
  const local = fileURLToPath(new URL('../.venv/bin/python', import.meta.url))
  return existsSync(local) ? local : undefined
}

/** Starts the peer; throws `E_RUNTIME` with Python's own message when it cannot. */
export async function startPeer(python: string): Promise<Peer> {
  const script = fileURLToPath(new URL('./peers/serve.py', import.meta.url))
  // numpy's and scikit-learn's own threads stay at one; PyTorch's are set by each row.
  const env = { ...process.env, OPENBLAS_NUM_THREADS: '1', PYTHONDONTWRITEBYTECODE: '1' }
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'pipe'], env })
  const ask = conversation(child)
  const versions = (await ask({ do: 'hello' })) as Record<string, string>
  return {
    pid: child.pid!,
    versions,
    prepare: (row, options) => ask({ do: 'prepare', row, options }),
    async run(row) {
      const { ms, cpu_ms, result } = await ask({ do: 'run', row })
      return { ms: ms as number, cpu_ms: cpu_ms as number, result: result as Record<string, unknown> }
    },
    close: () => void child.stdin.end(),
  }
}

type Reply = Record<string, unknown>

/** One question at a time, one line each way. */
function conversation(child: ChildProcess): (command: Reply) => Promise<Reply> {
  let waiting: { resolve(reply: Reply): void; reject(error: Error): void } | undefined
  let errors = ''
  const fail = (what: string) =>
    waiting?.reject(new OodError('E_RUNTIME', `Python peer: expected an answer, got ${what}`))
  child.stderr!.on('data', (text: Buffer) => {
    errors = (errors + String(text)).slice(-4000)
  })
  child.on('error', (error) => fail(error.message))
  child.on('close', (code) => fail(`exit ${code}: ${errors.trim().split('\n').at(-1) ?? ''}`))
  child.stdin!.on('error', () => {}) // the process ended: `close` says so
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const reply = JSON.parse(line) as Reply
    if (typeof reply.error === 'string') fail(reply.error)
    else waiting?.resolve(reply)
  })
  return (command) =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject }
      child.stdin!.write(`${JSON.stringify(command)}\n`)
    })
}
