// The packages of this repository: what their manifests declare and what their sources import.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ImportGraph, importGraph } from './imports.ts'

/** One package. */
export interface Package {
  /** `packages/core`. */
  folder: string
  /** `@ood/core`. */
  name: string
  /** Names a consumer must have installed: dependencies and peers, optional ones too. */
  dependencies: string[]
  optionalPeers: string[]
  /** Names of the packages its TypeScript project refers to. */
  references: string[]
  /** The imports of its sources. */
  graph: ImportGraph
  /** Packages it imports, by name, without Node's own modules and itself; sorted. */
  imports: string[]
}

interface Manifest {
  name: string
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  peerDependenciesMeta?: Record<string, { optional?: boolean }>
}

/** Reads all packages below `<root>/packages`. */
export function readPackages(root: string): Package[] {
  const folders = readdirSync(join(root, 'packages')).sort()
  const nameOf = new Map(folders.map((folder) => [folder, manifestOf(root, folder).name]))
  return folders.map((folder) => {
    const manifest = manifestOf(root, folder)
    const peers = Object.keys(manifest.peerDependencies ?? {})
    const { references = [] } = readJson(join(root, 'packages', folder, 'tsconfig.json')) as {
      references?: { path: string }[]
    }
    const graph = importGraph(root, [`packages/${folder}/src`])
    const modules = [...graph.values()].flatMap(({ modules }) => modules.map(packageName))
    return {
      folder: `packages/${folder}`,
      name: manifest.name,
      dependencies: [...Object.keys(manifest.dependencies ?? {}), ...peers],
      optionalPeers: peers.filter((peer) => manifest.peerDependenciesMeta?.[peer]?.optional),
      references: references.map(({ path }) => nameOf.get(path.replace('../', '')) ?? path),
      graph,
      imports: [...new Set(modules)].filter((name) => !name.startsWith('node:') && name !== manifest.name).sort(),
    }
  })
}

/** The package that a module name belongs to: `@ood/core/node` belongs to `@ood/core`. */
export function packageName(module: string): string {
  return module
    .split('/')
    .slice(0, module.startsWith('@') ? 2 : 1)
    .join('/')
}

function manifestOf(root: string, folder: string): Manifest {
  return readJson(join(root, 'packages', folder, 'package.json')) as Manifest
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}
