// Options of public functions, checked where no compiler did: a misspelt name must not silently become the default.
import { edits } from './edits.ts'
import { mismatch, OodError } from './errors.ts'

/**
 * Throws unless `options` is an object whose keys are all known. `undefined` stands for no options.
 *
 * @param what - the function, named in errors
 * @param known - every option it takes
 * @throws OodError `E_ARGUMENT` naming the first unknown option and the nearest known one
 * @example
 * assertOptions('openFlow', { worker: 2 }, ['device', 'workers'])
 * // openFlow: expected options device, workers, got worker (workers?)
 */
export function assertOptions(what: string, options: object | undefined, known: readonly string[]): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options) || ArrayBuffer.isView(options))
    throw mismatch('E_ARGUMENT', `${what} options`, 'an object', options)
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue
    const near = nearest(key, known)
    const list = known.length > 0 ? `options ${known.join(', ')}` : 'no options'
    throw new OodError('E_ARGUMENT', `${what}: expected ${list}, got ${key.slice(0, 60)}${near ? ` (${near}?)` : ''}`)
  }
}

/**
 * The options every long call takes; see `CallOptions`. The keys of rows are among them: detectors hand one object to any
 * model, and one without noise has no use for them.
 */
export const CALL_OPTIONS: readonly string[] = ['batchSize', 'seed', 'signal', 'onProgress', 'rows']

/** The known word within two edits of `key`, upper and lower case aside. */
function nearest(key: string, known: readonly string[]): string | undefined {
  const distances = known.map((word) => [edits(key.toLowerCase(), word.toLowerCase()), word] as const)
  const best = distances.sort(([a], [b]) => a - b)[0]
  return best && best[0] <= 2 ? best[1] : undefined
}
