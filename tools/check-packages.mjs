// Packs every package, lints the tarballs, installs them together in an empty folder and imports each one from there.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'ood-packages-'))
const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' }
const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' })

try {
  const tarballs = join(work, 'tarballs')
  mkdirSync(tarballs)
  run('npm', ['pack', '--workspaces', '--pack-destination', tarballs, '--silent'], root)
  const files = readdirSync(tarballs).map((name) => join(tarballs, name))
  for (const file of files) {
    run('npx', ['--no-install', 'publint', 'run', file, '--strict', '--level', 'error'], root)
    run('npx', ['--no-install', 'attw', file, '--profile', 'esm-only'], root)
  }
  console.log(`packed and linted ${files.length} packages`)

  const consumer = join(work, 'consumer')
  mkdirSync(consumer)
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  run('npm', ['install', '--no-audit', '--no-fund', '--silent', ...files], consumer)
  // Every entry of every package: `@ood/onnx/node` as well as `@ood/onnx`.
  const names = readdirSync(join(root, 'packages')).flatMap((folder) => {
    const { name, exports } = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'))
    return Object.keys(exports)
      .filter((entry) => entry !== './package.json')
      .map((entry) => name + entry.slice(1))
  })
  writeFileSync(
    join(consumer, 'index.mjs'),
    [
      `const names = ${JSON.stringify(names)}`,
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
  process.stdout.write(run('node', ['index.mjs'], consumer))
  // Types as a consumer sees them: resolved from dist, without our source condition.
  const lines = names.map((name, i) => `import * as p${i} from '${name}'`)
  writeFileSync(
    join(consumer, 'types.mts'),
    `${lines.join('\n')}\nexport const all: object[] = [${names.map((_, i) => `p${i}`)}]\n`,
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
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', consumer], { stdio: 'inherit' })
  console.log('consumer type-checks')
} finally {
  rmSync(work, { recursive: true, force: true })
}
