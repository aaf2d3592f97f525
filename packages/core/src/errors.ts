// The one error type of every ood package: a stable code for programs and one clear line for people.

/** What went wrong, for programs: a stable word that messages may be reworded around. */
export type OodErrorCode =
  | 'E_ARGUMENT' // a value a caller passed
  | 'E_SHAPE' // a tensor or list of the wrong size
  | 'E_NOT_FINITE' // NaN or infinity where a number is needed
  | 'E_EMPTY' // nothing to work on
  | 'E_FILE' // a file that is missing, truncated or not what it says
  | 'E_CHECKSUM' // contents that differ from their recorded hash
  | 'E_MANIFEST' // a checkpoint manifest that is wrong or does not match its graphs
  | 'E_UNKNOWN_NAME' // a data set, model, device ... that is not registered
  | 'E_UNSUPPORTED' // an operator, type or device this build cannot handle
  | 'E_NOT_FITTED' // score or predict before fit or inferThreshold
  | 'E_NETWORK' // a download that failed
  | 'E_ABORTED' // stopped by the caller's signal
  | 'E_RUNTIME' // the inference engine failed

/**
 * Error thrown by every ood package. The message is one line of the form `what: expected X, got Y`.
 *
 * @example
 * throw new OodError('E_SHAPE', 'logProb: expected shape [N, 1, 28, 28], got [N, 784]')
 */
export class OodError extends Error {
  readonly code: OodErrorCode
  constructor(code: OodErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'OodError'
    this.code = code
  }
}

/** Builds the house form of an error: `what: expected X, got Y`. */
export function mismatch(code: OodErrorCode, what: string, expected: string, got: unknown): OodError {
  return new OodError(code, `${what}: expected ${expected}, got ${show(got)}`)
}

/** `unknown what: x, expected one of a, b, c`. */
export function unknownName(what: string, got: string, known: readonly string[]): OodError {
  return new OodError('E_UNKNOWN_NAME', `${what}: expected one of ${known.join(', ')}, got ${show(got)}`)
}

/** Short printable form of any value for an error line. */
function show(value: unknown): string {
  if (typeof value === 'string') return value === '' ? 'an empty string' : oneLine(value)
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return `[${value.slice(0, 8).map(show).join(', ')}${value.length > 8 ? ', ...' : ''}]`
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`
  return typeof value
}

/** An error is one line of bounded length, whatever a user typed. */
function oneLine(text: string): string {
  const flat = text.replace(/\s+/g, ' ')
  return flat.length > 200 ? `${flat.slice(0, 200)}...` : flat
}
