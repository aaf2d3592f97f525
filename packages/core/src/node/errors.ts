// File errors in the house form: `path: expected X, got Y` with the system's reason in plain words.
import { mismatch, OodError } from '../errors.ts'

/**
 * `path: expected X, got Y` with code `E_FILE`. What was caught is put into words and kept as `cause`; an `OodError`
 * is passed on as it is.
 *
 * @example
 * const text = await readFile(path, 'utf8').catch((cause) => {
 *   throw fileError(path, 'a readable file', cause)
 * })
 */
export function fileError(path: string, expected: string, got: unknown): OodError {
  if (got instanceof OodError) return got
  if (!(got instanceof Error)) return mismatch('E_FILE', path, expected, got)
  const { message } = mismatch('E_FILE', path, expected, fileReason(got))
  return new OodError('E_FILE', message, { cause: got })
}

/** A few words for whatever a file operation or a decoder threw, without the path that the error line begins with. */
export function fileReason(error: unknown): string {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'nothing there'
  if (code === 'EISDIR') return 'a folder'
  if (code === 'Z_BUF_ERROR') return 'a gzip stream that breaks off'
  if (typeof code === 'string' && code.startsWith('Z_')) return `broken gzip data (${code})`
  const line = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!
  // "EACCES: permission denied, open '/some/path'": what comes after the comma repeats the path.
  return syscall === undefined ? line : line.split(',', 1)[0]!
}

/** Whether the file system threw it (its errors name the call that failed), rather than a caller's function. */
export function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}
