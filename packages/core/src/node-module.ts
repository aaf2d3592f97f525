// Built-in modules of Node for code that also runs in browsers: asked for when needed, so that no bundler looks for them.

interface Host {
  process?: { getBuiltinModule?: (name: string) => object | undefined }
}

/**
 * A built-in module of Node, or `undefined` where there is no Node. A bundler for browsers refuses `import 'node:os'`
 * and `import('node:os')`; it does not see this.
 *
 * @example
 * const cores = nodeModule<typeof import('node:os')>('node:os')?.availableParallelism() ?? 1
 */
export function nodeModule<Module extends object>(name: `node:${string}`): Module | undefined {
  return (globalThis as Host).process?.getBuiltinModule?.(name) as Module | undefined
}
