// Which file imports which: every import of a TypeScript file, type imports included, as the compiler reads them.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import ts from 'typescript'

/** The imports of one file. */
export interface FileImports {
  /** Files of the tree, by path from its root. */
  files: string[]
  /** Module names as written: `node:fs`, `@ood/core`, `zod`. */
  modules: string[]
}

/** Files by path from the root (with `/`), each with what it imports. */
export type ImportGraph = ReadonlyMap<string, FileImports>

/**
 * Reads the imports of all `.ts` files under some folders. `import`, `export ... from`, `import()` and type imports all
 * count. A module name of the tree's own packages is not followed into the package: floors compare packages.
 *
 * @param root - folder that all paths are relative to
 * @param folders - below `root`
 * @throws Error for a relative import of a file that is not there
 */
export function importGraph(root: string, folders: readonly string[]): ImportGraph {
  const graph = new Map<string, FileImports>()
  for (const folder of folders) {
    for (const path of typescriptFiles(join(root, folder))) {
      const { importedFiles } = ts.preProcessFile(readFileSync(path, 'utf8'), true, true)
      const found: FileImports = { files: [], modules: [] }
      for (const { fileName } of importedFiles) {
        if (!fileName.startsWith('.')) found.modules.push(fileName)
        else found.files.push(named(root, resolveFile(path, fileName)))
      }
      graph.set(named(root, path), found)
    }
  }
  return graph
}

function* typescriptFiles(folder: string): Generator<string> {
  if (!existsSync(folder)) return
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of entries) {
    if (entry.name === 'node_modules' || entry.name === 'fixtures' || entry.name === 'dist') continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* typescriptFiles(path)
    else if (entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts')) yield path
  }
}

function resolveFile(from: string, name: string): string {
  const path = resolve(dirname(from), name)
  if (!existsSync(path)) throw new Error(`${from}: expected a file to import, got ${name}`)
  return path
}

function named(root: string, path: string): string {
  return relative(root, path).split(sep).join('/')
}
