// Packs every package, lints the tarballs, installs them together in an empty folder and imports each one from there.
// `--keep FOLDER` leaves that folder behind for `check-readmes.mjs`.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { entries, installAll, packAll, packages, root, run } from './consumer.mjs'

const { keep } = parseArgs({ options: { keep: { type: 'string' } } }).values
const work = mkdtempSync(join(tmpdir(), 'ood-packages-'))

/** Whether installing a package installs onnxruntime-node, whose install script must not run. */
function reachesRuntime(name) {
  if (name === 'onnxruntime-node') return true
  const found = packages.find((one) => one.name === name)
  return found !== undefined && Object.keys(found.dependencies ?? {}).some(reachesRuntime)
}

/** What every package's folder must have, so that a new one cannot be forgotten in a list. */
function checkManifests() {
  const wrong = []
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  for (const { folder, name, license, publishConfig } of packages) {
    const path = `packages/${basename(folder)}`
    if (!readme.includes(`[\`${name}\`](${path})`)) wrong.push(`README.md: expected a link to ${path}, got none`)
    const words = readFileSync(join(folder, 'README.md'), 'utf8')
    const flag = reachesRuntime(name) ? '--ignore-scripts ' : ''
    if (!new RegExp(`npm install ${flag}[^\n]*${name}\\b`).test(words))
      wrong.push(`${path}/README.md: expected "npm install ${flag}${name}", got none`)
    if (license !== 'MIT' || publishConfig?.access !== 'public') wrong.push(`${path}: expected MIT and public access`)
  }
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
}

/** No build leftovers, and the files a stranger looks for. */
async function checkContents(tarball) {
  const files = (await run('tar', ['-tzf', tarball], root)).trim().split('\n')
  const wrong = files.filter((file) => /tsbuildinfo|node_modules|\.turbo|\.tgz$|\/test\//.test(file))
  for (const name of ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts'])
    if (!files.includes(`package/${name}`)) wrong.push(`${name} (missing)`)
  if (wrong.length > 0) throw new Error(`${basename(tarball)}: expected only what users need, got ${wrong.join(', ')}`)
}

try {
  checkManifests()
  const tarballs = join(work, 'tarballs')
  const files = await packAll(tarballs)
  for (const file of files) {
    await checkContents(file)
    await run('npx', ['--no-install', 'publint', 'run', file, '--strict', '--level', 'error'], root)
    await run('npx', ['--no-install', 'attw', file, '--profile', 'esm-only'], root)
  }
  console.log(`packed and linted ${files.length} packages`)

  const consumer = keep ?? join(work, 'consumer')
  await installAll(tarballs, consumer)
  console.log(`installed ${files.length} packages with npm install --ignore-scripts`)
  writeFileSync(
    join(consumer, 'index.mjs'),
    [
      `const names = ${JSON.stringify(entries)}`,
      'for (const name of names) {',
      '  const exports = Object.keys(await import(name))',
      '  if (exports.length === 0) throw new Error(name + ": nothing exported")',
      '  console.log("imported " + name + " (" + exports.length + " exports)")',
      '}',
      "const { auroc } = await import('@ood/roc')",
      'if (auroc([2, 3], [0, 1]) !== 1) throw new Error("auroc of separated scores is not 1")',
      "const { checkpointPath } = await import('@ood/zoo')",
      "const { openFlow } = await import('@ood/models-flow')",
      "const { loadSample } = await import('@ood/datasets')",
      "const flow = await openFlow(checkpointPath('flow-fmnist'))",
      "const { images } = await loadSample('fashion-mnist', 'test', { limit: 2 })",
      'const bits = await flow.bitsPerDim(images)',
      'if (!bits.every((b) => b > 1 && b < 8)) throw new Error("bits per dim out of range: " + bits)',
      'console.log("scored two images with the installed packages: " + [...bits].map((b) => b.toFixed(2)).join(", ") + " bits/dim")',
      'await flow.release()',
    ].join('\n'),
  )
  process.stdout.write(await run('node', ['index.mjs'], consumer))
  for (const { name, version, bin } of packages) {
    for (const command of Object.keys(bin ?? {})) {
      const got = (await run('npx', ['--no-install', command, '--version'], consumer)).trim()
      if (got !== version) throw new Error(`${command} of ${name}: expected version ${version}, got ${got}`)
      console.log(`ran ${command} --version: ${got}`)
    }
  }
  process.stdout.write(
    await run(
      'npx',
      ['--no-install', 'tsx', '--conditions=@ood/source', 'tools/bundles/run.ts', '--installed', consumer],
      root,
    ),
  )
  console.log('bundled for a browser what should run in one')
  // Types as a consumer sees them: resolved from dist, without our source condition.
  const lines = entries.map((name, i) => `import * as p${i} from '${name}'`)
  writeFileSync(
    join(consumer, 'types.mts'),
    `${lines.join('\n')}\nexport const all: object[] = [${entries.map((_, i) => `p${i}`)}]\n`,
  )
  const compilerOptions = {
    noEmit: true,
    strict: true,
    module: 'nodenext',
    target: 'es2023',
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  }
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['types.mts'] }))
  await run(join(root, 'node_modules/.bin/tsc'), ['-p', consumer], root)
  console.log('consumer type-checks')
} catch (error) {
  console.error(`error: ${error.message}`)
  process.exitCode = 1
} finally {
  rmSync(work, { recursive: true, force: true })
}
