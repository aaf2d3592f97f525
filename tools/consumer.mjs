// Packs every package and installs them together in an empty folder, by the command that the README prints.
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { serveTarballs } from './local-registry.mjs'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Manifest and folder of every package of the workspace, in order of names. */
export const packages = readdirSync(join(root, 'packages'))
  .map((folder) => join(root, 'packages', folder))
  .map((folder) => ({ folder, ...JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
  .sort((a, b) => (a.name < b.name ? -1 : 1))

/** Every import name of every package, `@ood/onnx/node` as well as `@ood/onnx`. */
export const entries = packages.flatMap(({ name, exports }) =>
  Object.keys(exports)
    .filter((entry) => entry !== './package.json')
    .map((entry) => name + entry.slice(1)),
)

/** Runs a command to its end and returns its output; what it printed is in the error when it fails. */
export async function run(command, args, cwd, env = process.env) {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd, env, maxBuffer: 2 ** 28 })
    return stdout
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}\n${error.stdout ?? ''}${error.stderr ?? error.message}`)
  }
}

/** Packs every package into `folder`; returns the tarballs' paths. */
export async function packAll(folder) {
  mkdirSync(folder, { recursive: true })
  await run('npm', ['pack', '--workspaces', '--pack-destination', folder, '--silent'], root)
  return readdirSync(folder).map((name) => join(folder, name))
}

/**
 * Installs all packages from `tarballs` into the empty folder `consumer` as a stranger would: by name, from a registry,
 * without help from the environment or from this repository's settings.
 */
export async function installAll(tarballs, consumer) {
  mkdirSync(consumer, { recursive: true })
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  const registry = await serveTarballs(tarballs)
  try {
    writeFileSync(join(consumer, '.npmrc'), `@ood:registry=${registry.url}\n`)
    const { ONNXRUNTIME_NODE_INSTALL: _, ...env } = process.env
    // npm run hands its own settings down as npm_config_*; a stranger's shell has none of them.
    for (const name of Object.keys(env)) if (/^npm_config_(ignore_scripts|onnxruntime)/i.test(name)) delete env[name]
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...registry.names], consumer, env)
  } finally {
    await registry.close()
  }
}
