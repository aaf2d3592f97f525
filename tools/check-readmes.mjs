// Runs every js and ts block of README.md and packages/*/README.md as printed, in an empty folder, against the packed
// packages. `--consumer FOLDER` uses what `check-packages.mjs --keep FOLDER` installed; names of packages select READMEs.
//
// A comment on the line before a block says what it needs; readers do not see it:
//   <!-- readme: setup NAME -->   tools/readmes/NAME.mjs runs first, in the same folder (it writes files)
//   <!-- readme: continues -->    the block goes on where the one before it ended
//   <!-- readme: data NAME -->    needs a real data set; runs where OOD_DATA_DIR has a folder of that name
//   <!-- readme: types -->        the block shows types only; it must compile, and is not run
import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { transform } from 'esbuild'
import { installAll, packAll, packages, root } from './consumer.mjs'

/** Blocks of one page: `{ page, line, language, code, marker }`. */
export function blocksOf(page, text) {
  const blocks = []
  const lines = text.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const fence = /^```(js|ts|mjs|javascript|typescript)\b/.exec(lines[i])
    if (!fence) {
      // Any other fence is passed over whole, so that a fence inside it is not one.
      if (/^```\S/.test(lines[i]) || lines[i] === '```') while (++i < lines.length && lines[i] !== '```');
      continue
    }
    let before = i - 1
    while (before >= 0 && lines[before] === '') before--
    const marker = /^<!-- readme: (.*) -->$/.exec(lines[before] ?? '')?.[1]
    const start = i + 1
    while (++i < lines.length && lines[i] !== '```');
    blocks.push({ page, line: start + 1, language: fence[1], code: lines.slice(start, i).join('\n'), marker })
  }
  return blocks
}

/** Programs to run: blocks that continue others are joined to them. */
function programsOf(blocks) {
  const programs = []
  for (const block of blocks) {
    const [word, name] = (block.marker ?? '').split(' ')
    if (!['', 'setup', 'continues', 'types', 'data'].includes(word))
      throw new Error(
        `${block.page}:${block.line}: expected a marker setup, continues, data or types, got ${block.marker}`,
      )
    if (word === 'types') {
      if (!/\b(interface|type|declare)\b/.test(block.code) || /\bawait\b/.test(block.code))
        throw new Error(`${block.page}:${block.line}: expected a block of types only behind the marker "types"`)
      programs.push({ ...block, typesOnly: true })
    } else if (word === 'continues') {
      const last = programs.at(-1)
      if (!last || last.typesOnly)
        throw new Error(`${block.page}:${block.line}: expected a block to continue, got none`)
      last.code += `\n${block.code}`
      last.count++
    } else
      programs.push({
        ...block,
        setup: word === 'setup' ? name : undefined,
        data: word === 'data' ? name : undefined,
        count: 1,
      })
  }
  return programs
}

/** A block may print several files, each under a comment with its name; the last one is run. */
function filesOf(code) {
  const parts = code.split(/^\/\/ ([\w-]+)\.(?:js|ts)$/m)
  if (parts.length === 1) return [{ name: 'block.js', text: code }]
  return Array.from({ length: (parts.length - 1) / 2 }, (_, i) => ({
    name: `${parts[2 * i + 1]}.js`,
    text: parts[2 * i + 2],
  }))
}

async function runProgram(program, folder) {
  mkdirSync(folder, { recursive: true })
  const files = await Promise.all(
    filesOf(program.code).map(async ({ name, text }) => ({ name, text: await withoutTypes(text) })),
  )
  if (program.typesOnly) return
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  if (program.setup !== undefined) {
    const setup = join(root, 'tools/readmes', `${program.setup}.mjs`)
    if (!existsSync(setup)) throw new Error(`expected tools/readmes/${program.setup}.mjs, got none`)
    copyFileSync(setup, join(folder, 'setup.mjs'))
    await node(['setup.mjs'], folder)
  }
  for (const { name, text } of files) writeFileSync(join(folder, name), text)
  await node([files.at(-1).name], folder)
}

async function withoutTypes(text) {
  return (await transform(text, { loader: 'ts', format: 'esm', target: 'es2023' })).code
}

function node(args, cwd) {
  return new Promise((resolve, reject) => {
    // Nothing of this repository's environment: only what a shell has.
    const { PATH, HOME, TMPDIR } = process.env
    const env = { PATH, HOME, ...(TMPDIR && { TMPDIR }), OOD_OFFLINE: '1', ...dataOf() }
    execFile(process.execPath, args, { cwd, env, timeout: LIMIT_MS, maxBuffer: 2 ** 26 }, (error, _, stderr) => {
      if (!error) resolve()
      else reject(new Error(error.killed ? `not done after ${LIMIT_MS / 1000} s` : firstLines(stderr || error.message)))
    })
  })
}

/** Real data sets, where the environment names them. */
function dataOf() {
  return process.env.OOD_DATA_DIR ? { OOD_DATA_DIR: process.env.OOD_DATA_DIR } : {}
}

function firstLines(text) {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !/^\s+at |^Node\.js v/.test(line))
  return lines.slice(-6).join('\n    ').slice(0, 800)
}

const { values, positionals } = parseArgs({
  options: { consumer: { type: 'string' }, limit: { type: 'string', default: '120' } },
  allowPositionals: true,
})
/** A block that takes longer than this does not belong in a README; `--limit` is for busy machines. */
const LIMIT_MS = 1000 * Number(values.limit)
const work = mkdtempSync(join(tmpdir(), 'ood-readmes-'))
try {
  let { consumer } = values
  if (!consumer) {
    consumer = join(work, 'consumer')
    await packAll(join(work, 'tarballs'))
    await installAll(join(work, 'tarballs'), consumer)
  }
  const pages = [
    { name: 'README', file: join(root, 'README.md') },
    ...packages.map(({ folder }) => ({ name: basename(folder), file: join(folder, 'README.md') })),
  ].filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  const programs = pages.flatMap(({ name, file }) =>
    programsOf(blocksOf(file.slice(root.length), readFileSync(file, 'utf8'))).map((one, i) => ({
      ...one,
      id: `${name}-${i}`,
    })),
  )
  const failures = []
  let skipped = 0
  const queue = [...programs]
  const place = join(consumer, 'readmes')
  rmSync(place, { recursive: true, force: true })
  await Promise.all(
    Array.from({ length: 2 }, async () => {
      for (let one = queue.shift(); one; one = queue.shift()) {
        const start = performance.now()
        if (one.data && !existsSync(join(process.env.OOD_DATA_DIR ?? '', one.data, '.'))) {
          console.log(`skipped ${one.page}:${one.line}: no data set ${one.data} (set OOD_DATA_DIR)`)
          skipped++
          continue
        }
        try {
          await runProgram(one, join(place, one.id))
          console.log(`ran ${one.page}:${one.line} in ${((performance.now() - start) / 1000).toFixed(1)} s`)
        } catch (error) {
          failures.push(`${one.page}:${one.line}: ${error.message}`)
        }
      }
    }),
  )
  const types = programs.filter(({ typesOnly }) => typesOnly).length
  const blocks = programs.reduce((sum, { count = 0 }) => sum + count, 0)
  console.log(
    `${blocks} blocks in ${programs.length - types} programs, ${types} of types only, ${skipped} skipped for want of data, ${failures.length} failed`,
  )
  if (failures.length > 0) throw new Error(failures.join('\n'))
} catch (error) {
  console.error(`error: ${error.message}`)
  process.exitCode = 1
} finally {
  rmSync(work, { recursive: true, force: true })
}
