// How a program of ood starts and ends: one-line errors, exit codes, and a clean stop on Ctrl-C.
import { constants } from 'node:os'
import { OodError } from '@ood/core'
import { fileError, isSystemError } from '@ood/core/node'

/** Exit codes of every ood program. One stopped by a signal ends with 128 + its number, as a shell reports it. */
export const exitCodes: Readonly<{ ok: 0; failure: 1; userError: 2; stopped: 130 }> = {
  ok: 0,
  failure: 1,
  userError: 2,
  stopped: 130,
}

/** Options of `runMain`. */
export interface RunMainOptions {
  /** Milliseconds a stopping program gets before it is ended (default 10 000); stored steps survive either way. */
  graceMs?: number | undefined
  /** What a stopped program advises (default `run the same command again to resume`). */
  stoppedHint?: string | undefined
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type Stop = (typeof SIGNALS)[number]

/**
 * Runs a program's main function and turns its end into a message and an exit code:
 *
 * | end | stderr | code |
 * |---|---|---|
 * | returns | nothing | 0, or what `main` put into `process.exitCode` |
 * | throws `OodError` or `RocError`; a full disk, a file that cannot be read | `error: what: expected X, got Y` | 2 |
 * | throws anything else | its message and a hint (the stack when `OOD_DEBUG` is set) | 1 |
 * | SIGINT, SIGTERM, SIGHUP, or `E_ABORTED` | `stopped: ` and `stoppedHint` | 130, 143, 129 |
 * | standard output cannot be written to | `error: standard output: ...` | 2 |
 * | the reader of standard output has gone (`| head`) | nothing | 141 |
 *
 * The signal passed to `main` aborts on the first signal; a second one ends the process at once.
 *
 * @example
 * await runMain(async (signal) => { await example({ signal }) })
 */
export async function runMain(
  main: (signal: AbortSignal) => unknown | Promise<unknown>,
  { graceMs = 10_000, stoppedHint = 'run the same command again to resume' }: RunMainOptions = {},
): Promise<void> {
  const controller = new AbortController()
  let received: Stop | undefined
  const stop = (name: Stop) => {
    if (received) endNow(name, stoppedHint)
    received = name
    process.stderr.write('\nstopping after this batch; press Ctrl-C again to stop at once\n')
    controller.abort(new Error(`${name} (${constants.signals[name]})`))
    setTimeout(() => endNow(name, stoppedHint), graceMs).unref()
  }
  watchOutput(controller)
  for (const name of SIGNALS) process.on(name, stop)
  try {
    await main(controller.signal)
    if (received) process.exitCode = reportStop(received, stoppedHint)
  } catch (error) {
    process.exitCode = outputFailed() ?? report(error, received, stoppedHint)
  } finally {
    for (const name of SIGNALS) process.off(name, stop)
  }
}

/**
 * Ends the process without its usual teardown: that would stop worker threads inside native calls, and the process
 * would end with SIGABRT. Locks are given back by the listeners for `exit`.
 */
function endNow(name: Stop, hint: string): never {
  process.stderr.write(`stopped: ${hint}\n`)
  process.emit('exit', codeOf(name))
  process.removeAllListeners(name)
  process.kill(process.pid, name)
  // The signal is delivered at once on Linux; this is for systems that take their time.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000)
  return process.exit(codeOf(name))
}

function codeOf(name: Stop): number {
  return 128 + constants.signals[name]
}

let brokenOutput: number | undefined
const outputFailed = (): number | undefined => brokenOutput
let watching = false

/** A full disk or a closed pipe behind standard output is no fault of the program, and nobody reads its stack. */
function watchOutput(controller: AbortController): void {
  if (watching) return
  watching = true
  // Nobody is left to be told.
  process.stderr.on('error', () => {})
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    const gone = cause.code === 'EPIPE'
    brokenOutput = gone ? 141 : exitCodes.userError
    process.exitCode = brokenOutput
    if (!gone) process.stderr.write(`error: ${fileError('standard output', 'a place to write to', cause).message}\n`)
    controller.abort(cause)
  })
}

function reportStop(name: Stop | undefined, hint: string): number {
  process.stderr.write(`stopped: ${hint}\n`)
  return name ? codeOf(name) : exitCodes.stopped
}

function report(error: unknown, stopped: Stop | undefined, hint: string): number {
  if (stopped || (error instanceof OodError && error.code === 'E_ABORTED')) return reportStop(stopped, hint)
  const debug = Boolean(process.env.OOD_DEBUG)
  const known = isSystemError(error) ? ofSystem(error as NodeJS.ErrnoException) : error
  if (isUserError(known)) {
    process.stderr.write(`error: ${debug ? known.stack : oneLine(known.message)}\n`)
    return exitCodes.userError
  }
  const message = error instanceof Error ? error.message : String(error)
  const stack = error instanceof Error ? error.stack : undefined
  process.stderr.write(`error: ${debug && stack ? stack : oneLine(message)}\n`)
  if (!debug)
    process.stderr.write('this looks like a fault of the program: set OOD_DEBUG=1 to see where it comes from\n')
  return exitCodes.failure
}

/** What the file system refused, in the house form. */
function ofSystem(error: NodeJS.ErrnoException): Error {
  return fileError(error.path ?? error.syscall ?? 'file', 'a file or folder that can be used', error)
}

/** `OodError`, `RocError` and their like: known by the code, because packages may be installed twice. */
function isUserError(error: unknown): error is Error {
  return error instanceof Error && /^E_[A-Z_]+$/.test(String((error as Error & { code?: unknown }).code))
}

function oneLine(text: string): string {
  const line = text.replace(/\s*\n\s*/g, ' ').trim()
  return line.length > 400 ? `${line.slice(0, 400)}...` : line
}
