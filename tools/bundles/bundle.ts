// A package bundled for a browser: everything it exports, minified, with nothing left to resolve but optional peers.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { packageName, readPackages } from '../house/packages.ts'

/** Programs for Node: folders of files are what they are about. */
const NODE_ONLY = ['@ood/cli', '@ood/run', '@ood/zoo']

/**
 * The packages that must run in a browser: all but programs for Node and what needs onnxruntime-node. A new package is
 * among them unless it imports one of those.
 */
export function browserPackages(root: string): string[] {
  const packages = readPackages(root)
  const uses = new Map(packages.map(({ name, imports }) => [name, imports]))
  const nodeOnly = (name: string): boolean =>
    NODE_ONLY.includes(name) || name === 'onnxruntime-node' || (uses.get(name) ?? []).some(nodeOnly)
  return packages.map(({ name }) => name).filter((name) => !nodeOnly(name))
}

/** One bundle. */
export interface Bundle {
  /** A script that leaves the package's exports in the global variable `bundled`. */
  code: string
  /** Bytes of `code`, minified. */
  bytes: number
  /** Bytes of it, gzipped. */
  gzip: number
  /** Names of packages inside, with their share of `bytes`, largest first. */
  parts: [name: string, bytes: number][]
}

/**
 * Bundles `entry` (`import * as bundled from '@ood/roc'` unless other code is given) as a browser would get it.
 *
 * @param options.source - bundle the sources of this repository (default) or what is installed in `folder`
 * @throws Error naming every module that a browser does not have
 */
export async function bundleForBrowser(
  name: string,
  options: { folder: string; source?: boolean; code?: string },
): Promise<Bundle> {
  const { folder, source = true, code = `export * from '${name}'` } = options
  const manifest = JSON.parse(
    readFileSync(join(folder, source ? `packages/${name.slice(5)}` : `node_modules/${name}`, 'package.json'), 'utf8'),
  ) as { peerDependencies?: Record<string, string> }
  const result = await build({
    stdin: { contents: code, resolveDir: folder, sourcefile: 'entry.js' },
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    globalName: 'bundled',
    platform: 'browser',
    target: 'es2022',
    metafile: true,
    logLevel: 'silent',
    conditions: source ? ['@ood/source'] : [],
    // Here peers are installed; a user has only those wanted, and gets what the packages say of the others.
    external: source ? Object.keys(manifest.peerDependencies ?? {}) : [],
  })
  const text = result.outputFiles[0]!.text
  const parts = new Map<string, number>()
  for (const { inputs } of Object.values(result.metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const part = partOf(path)
      parts.set(part, (parts.get(part) ?? 0) + bytesInOutput)
    }
  }
  return {
    code: text,
    bytes: Buffer.byteLength(text),
    gzip: gzipSync(text, { level: 9 }).length,
    parts: [...parts].filter(([, bytes]) => bytes > 0).sort((a, b) => b[1] - a[1]),
  }
}

function partOf(path: string): string {
  const installed = path.lastIndexOf('node_modules/')
  if (installed >= 0) return packageName(path.slice(installed + 'node_modules/'.length))
  const own = /packages\/([^/]+)\//.exec(path)
  return own ? `@ood/${own[1]}` : path
}
