// A place with a browser's globals and none of Node's, to run bundles in.
import { createContext, runInContext } from 'node:vm'

/** What pages and workers have, as far as the packages use it. `SharedArrayBuffer` is missing without isolation. */
const WEB = {
  AbortController,
  AbortSignal,
  DOMException,
  TextDecoder,
  TextEncoder,
  URL,
  atob,
  btoa,
  clearTimeout,
  fetch,
  performance,
  queueMicrotask,
  setTimeout,
  structuredClone,
}

/** Runs a bundle and gives `use` its exports there; `use` is source of a function, run in the same place. */
export async function runBundled<T>(code: string, use: string): Promise<T> {
  const context = createContext({ ...WEB, console: { ...console } })
  runInContext('delete globalThis.SharedArrayBuffer; globalThis.self = globalThis', context)
  runInContext(code, context, { filename: 'bundle.js' })
  return (await runInContext(`(${use})(bundled)`, context, { filename: 'use.js' })) as T
}
