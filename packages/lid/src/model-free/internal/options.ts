// Options of the model-free estimators: what each takes, and an estimator's own picked out of an object that has the search's too.
import { assertOptions, CALL_OPTIONS } from '@ood/core'

/** Every option of a search, see `SearchOptions`. */
export const SEARCH_OPTIONS: readonly string[] = [
  ...CALL_OPTIONS,
  ...['queries', 'at', 'subsample', 'matmul', 'threads'],
]

/** Every option of estimates point by point, see `PointwiseOptions`. */
export const POINTWISE_OPTIONS: readonly string[] = [...SEARCH_OPTIONS, 'neighbours', 'smooth']

/** Every option of estimates of a whole set, see `GlobalOptions`. */
export const GLOBAL_OPTIONS: readonly string[] = [...SEARCH_OPTIONS.filter((option) => option !== 'at'), 'table']

/** The options called `names`, those that are there. */
export function picked<T extends object>(options: T, names: readonly string[]): T {
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name))) as T
}

/**
 * An estimator's own options and those of the search, out of one object.
 *
 * @throws OodError `E_ARGUMENT` for an option that is neither
 */
export function splitOptions<Own extends object, Rest extends object>(
  what: string,
  options: Own & Rest,
  own: readonly string[],
  rest: readonly string[] = POINTWISE_OPTIONS,
): { own: Own; rest: Rest } {
  assertOptions(what, options, [...new Set([...own, ...rest])])
  return { own: picked<Own>(options, own), rest: picked<Rest>(options, rest) }
}
