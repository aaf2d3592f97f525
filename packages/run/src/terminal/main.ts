// How a program of ood starts and ends: one-line errors, exit codes, and a clean stop on Ctrl-C.
import { constants } from 'node:os'
import { OodError } from '@ood/core'

/** Exit codes of every ood program. */
export const exitCodes: Readonly<{ ok: 0; failure: 1; userError: 2; stopped: 130 }> = {
  ok: 0,
  failure: 1,
  userError: 2,
  stopped: 130,
}

/** Options of `runMain`. */
export interface RunMainOptions {
  /** Milliseconds a stopping program gets before it is ended (default 10 000); stored steps survive either way. */
  graceMs?: number
  /** What a stopped program advises (default `run the same command again to resume`). */
  stoppedHint?: string
}

/**
 * Runs a program's main function and turns its end into a message and an exit code:
 *
 * | end | stderr | code |
 * |---|---|---|
 * | returns | nothing | 0, or what `main` put into `process.exitCode` |
 * | throws `OodError` or `RocError` | `error: what: expected X, got Y` | 2 |
 * | throws anything else | its message and a hint (the stack when `OOD_DEBUG` is set) | 1 |
 * | SIGINT or SIGTERM, or `E_ABORTED` | `stopped: ` and `stoppedHint` | 130 |
 *
 * The signal passed to `main` aborts on the first SIGINT or SIGTERM; a second one ends the process at once.
 *
 * @example
 * await runMain(async (signal) => { await example({ signal }) })
 */
export async function runMain(
  main: (signal: AbortSignal) => unknown | Promise<unknown>,
  { graceMs = 10_000, stoppedHint = 'run the same command again to resume' }: RunMainOptions = {},
): Promise<void> {
  const controller = new AbortController()
  const end = (): never => {
    process.stderr.write(`stopped: ${stoppedHint}\n`)
    process.exit(exitCodes.stopped)
  }
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) end()
    process.stderr.write('\nstopping after this batch; press Ctrl-C again to stop at once\n')
    controller.abort(new Error(`${name} (${constants.signals[name]})`))
    setTimeout(end, graceMs).unref()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  try {
    await main(controller.signal)
    if (controller.signal.aborted) process.exitCode = report(undefined, true, stoppedHint)
  } catch (error) {
    process.exitCode = report(error, controller.signal.aborted, stoppedHint)
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}

function report(error: unknown, stopped: boolean, hint: string): number {
  if (stopped || (error instanceof OodError && error.code === 'E_ABORTED')) {
    process.stderr.write(`stopped: ${hint}\n`)
    return exitCodes.stopped
  }
  const debug = Boolean(process.env.OOD_DEBUG)
  if (isUserError(error)) {
    process.stderr.write(`error: ${debug ? error.stack : oneLine(error.message)}\n`)
    return exitCodes.userError
  }
  const message = error instanceof Error ? error.message : String(error)
  const stack = error instanceof Error ? error.stack : undefined
  process.stderr.write(`error: ${debug && stack ? stack : oneLine(message)}\n`)
  if (!debug)
    process.stderr.write('this looks like a fault of the program: set OOD_DEBUG=1 to see where it comes from\n')
  return exitCodes.failure
}

/** `OodError`, `RocError` and their like: known by the code, because packages may be installed twice. */
function isUserError(error: unknown): error is Error {
  return error instanceof Error && /^E_[A-Z_]+$/.test(String((error as Error & { code?: unknown }).code))
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim()
}
