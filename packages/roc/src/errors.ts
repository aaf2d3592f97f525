// The one error type of this package: a stable code for programs and one clear line for people.

/** What went wrong, for programs. */
export type RocErrorCode =
  | 'E_ARGUMENT' // an option or argument of the wrong kind or outside its range
  | 'E_SHAPE' // lists that must have equal lengths and do not
  | 'E_NOT_FINITE' // NaN or infinity among the scores
  | 'E_EMPTY' // a class without scores

/**
 * Error thrown by every function of `@ood/roc`. The message is one line of the form `what: expected X, got Y`.
 *
 * @example
 * try {
 *   auroc([1, Number.NaN], [0])
 * } catch (error) {
 *   if (error instanceof RocError) console.error(error.code, error.message)
 *   // E_NOT_FINITE positives[1]: expected a finite score, got NaN
 * }
 */
export class RocError extends Error {
  readonly code: RocErrorCode
  constructor(code: RocErrorCode, what: string, expected: string, got: unknown) {
    super(`${what}: expected ${expected}, got ${show(got)}`)
    this.name = 'RocError'
    this.code = code
  }
}

/** Short printable form of any value for an error line. */
function show(value: unknown): string {
  if (typeof value === 'string') {
    if (value === '') return 'an empty string'
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
    const line = value.slice(0, 101).replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ')
    return line.length > 100 ? `${line.slice(0, 100)}...` : line
  }
  if (typeof value === 'bigint') return value < 2n ** 64n && value > -(2n ** 64n) ? `${value}n` : 'a huge bigint'
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}
