// Reads the golden vectors of `vectors/`, for tests. They are part of the repository, so no test skips for want of them.
import { readFileSync } from 'node:fs'

/** The parsed `vectors/<name>.json`. Non-finite numbers are written as strings there; each file says how it was made. */
export function vector<T>(name: `${'dgm' | 'llr-flows-ncis'}/${string}`): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8')) as T
}
