// Optional packages: imported when asked for, named when missing; their WebAssembly read from disk where that is Node.
import { nodeModule, OodError } from '@ood/core'

/**
 * Runs `load`, which imports an optional package.
 *
 * @throws OodError `E_UNSUPPORTED` naming the package to install when it is not there, `E_RUNTIME` when it is but fails
 */
export async function openPeer<T>(what: string, packageName: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    if (isMissing(cause, packageName))
      throw new OodError(
        'E_UNSUPPORTED',
        `${what}: expected the optional package ${packageName}, got none (npm install ${packageName})`,
        { cause },
      )
    throw new OodError('E_RUNTIME', `${what}: expected ${packageName} to start, got ${reasonOf(cause)}`, { cause })
  }
}

/**
 * Throws what an import failed with. A bundler takes a package that is not installed for optional only where the failure
 * of its import is caught right there.
 */
export function passOn(cause: unknown): never {
  throw cause
}

/** Whether an error says that a module of this package cannot be found. */
function isMissing(cause: unknown, packageName: string): boolean {
  if (!(cause instanceof Error)) return false
  // Browsers have no code: their TypeError names the specifier that leads nowhere.
  const code = cause instanceof TypeError ? 'MODULE_NOT_FOUND' : (cause as { code?: unknown }).code
  return (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && cause.message.includes(packageName)
}

/** One line about anything that was thrown; Emscripten throws numbers. */
export function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : `exception ${String(cause)}`
  return text.replace(/\s+/g, ' ').slice(0, 200)
}

/** A compiled module, handed to a package unopened. */
export type WasmModule = object

/** The part of the WebAssembly interface used here; the `es2023` library does not declare it. */
interface WebAssemblyApi {
  validate(binary: Uint8Array): boolean
  compile(binary: Uint8Array): Promise<WasmModule>
}

/**
 * The first of some WebAssembly files of installed packages that this engine accepts, compiled. Node cannot fetch them
 * by address as browsers do, so they are read here; elsewhere `undefined` leaves it to the package.
 */
export async function compilePackageWasm(paths: readonly string[]): Promise<WasmModule | undefined> {
  const node = nodeModule<typeof import('node:module')>('node:module')
  const files = nodeModule<typeof import('node:fs/promises')>('node:fs/promises')
  if (node === undefined || files === undefined) return undefined
  const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi }
  const require = node.createRequire(import.meta.url)
  for (const path of paths) {
    const binary = await files.readFile(require.resolve(path))
    if (WebAssembly.validate(binary)) return WebAssembly.compile(binary)
  }
  return undefined
}
