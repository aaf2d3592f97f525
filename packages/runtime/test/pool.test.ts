// The pool: results, errors, death, abort and shutdown; from TypeScript sources and from built files.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openPool, type Pool } from '@ood/runtime'
import { afterAll, afterEach, describe, expect, it } from 'vitest'

const module = new URL('./fixtures/tasks.ts', import.meta.url)
const pools: Pool[] = []
function pool(size: number, setup?: unknown): Pool {
  const opened = openPool({ size, module, setup })
  pools.push(opened)
  return opened
}
// Starting a worker from TypeScript sources takes most of a second, so tests share one where they can.
const shared = openPool({ size: 1, module })
afterAll(() => shared.close())
afterEach(async () => {
  for (const opened of pools.splice(0)) await opened.close()
})

describe('openPool', () => {
  it('calls exported functions by name', async () => {
    const sums = [1, 2, 3, 4, 5].map((i) => shared.run<number>('add', [i, 10]))
    expect(await Promise.all(sums)).toEqual([11, 12, 13, 14, 15])
  })

  it('sets every worker up once and runs on several threads', async () => {
    const p = pool(2, { greeting: 'hello' })
    expect(p.size).toBe(2)
    const ids = await Promise.all([1, 2, 3, 4].map(() => p.run<number>('thread')))
    expect(new Set(ids).size).toBe(2)
    expect(await Promise.all([p.run('greet'), p.run('greet')])).toEqual(['hello', 'hello'])
  })

  it('runs a session of its own in each worker', async () => {
    const graph = new Uint8Array(readFileSync(new URL('./fixtures/affine.onnx', import.meta.url)))
    const p = pool(2, { greeting: '', graph })
    const rows = await Promise.all([0, 1, 2, 3].map((v) => p.run<Float32Array>('infer', [Float32Array.of(v, v, v)])))
    expect(rows.map((row) => Array.from(row))).toEqual([0, 1, 2, 3].map((v) => [2 * v + 1, 3 * v, 4 * v - 1]))
  })

  it('moves buffers both ways instead of copying', async () => {
    const p = shared
    const data = Float64Array.of(1, 2, 3)
    expect(await p.run('take', [data], { transfer: [data.buffer] })).toBe(6)
    expect(data.length).toBe(0)
    expect(await p.run('fill', [4])).toEqual(new Float64Array(4).fill(7))
  })

  it('leaves the event loop free while a worker works', async () => {
    let ticks = 0
    const timer = setInterval(() => {
      ticks += 1
    }, 5)
    await shared.run('wait', [200])
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(5)
  })

  it('refuses a size that is no positive integer', () => {
    expect(() => openPool({ size: 0, module })).toThrow('pool size: expected a positive integer, got 0')
  })
})

describe('errors', () => {
  it('keeps code and message', async () => {
    const p = shared
    await expect(p.run('bad')).rejects.toMatchObject({
      name: 'OodError',
      code: 'E_SHAPE',
      message: 'bad: expected something, got nothing',
    })
    await expect(p.run('plain')).rejects.toMatchObject({ code: 'E_RUNTIME', message: 'plain trouble' })
    expect(await p.run('add', [1, 1])).toBe(2)
  })

  it('names an unknown task and a module that does not load', async () => {
    await expect(shared.run('nothing')).rejects.toThrow(/tasks\.ts export nothing: expected a function, got undefined/)
    const missing = openPool({ size: 1, module: new URL('./fixtures/absent.ts', import.meta.url) })
    pools.push(missing)
    await expect(missing.run('add')).rejects.toThrow(/absent\.ts/)
  })

  it('rejects what cannot be cloned, both ways', async () => {
    const p = shared
    await expect(p.run('add', [() => 1])).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(p.run('uncloneable')).rejects.toThrow('uncloneable result: expected a cloneable value, got')
    expect(await p.run('add', [1, 1])).toBe(2)
  })

  it.each([
    ['die', 'die worker: expected it to finish, got exit code 3'],
    ['crash', 'crash worker: expected it to finish, got loose end'],
  ])('a worker that dies (%s) fails its task and is replaced', async (task, message) => {
    const p = pool(1, { greeting: 'again' })
    const [death, next] = await Promise.allSettled([p.run(task), p.run('greet')])
    expect(death).toMatchObject({ status: 'rejected', reason: { code: 'E_RUNTIME', message } })
    expect(next).toEqual({ status: 'fulfilled', value: 'again' })
  })

  it('aborts waiting and running tasks', async () => {
    const p = shared
    await p.run('add', [0, 0])
    const running = new AbortController()
    const waiting = new AbortController()
    const first = p.run('wait', [300], { signal: running.signal })
    const second = p.run('greet', [], { signal: waiting.signal })
    waiting.abort()
    running.abort()
    await expect(first).rejects.toMatchObject({ code: 'E_ABORTED', message: 'wait: stopped by the caller' })
    await expect(second).rejects.toMatchObject({ code: 'E_ABORTED' })
    await expect(p.run('greet', [], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(await p.run('add', [1, 2])).toBe(3)
  })

  it('close rejects what is left and every later call', async () => {
    const p = pool(1)
    const left = [p.run('wait', [5000]), p.run('greet')]
    const settled = Promise.allSettled(left)
    await p.close()
    for (const result of await settled)
      expect(result).toMatchObject({
        reason: { code: 'E_ABORTED', message: expect.stringContaining('pool was closed') },
      })
    await expect(p.run('greet')).rejects.toThrow('greet: expected an open pool, got a closed one')
  })

  it('lets every worker finish its call and release before it ends; closing twice is closing once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ood-pool-'))
    const record = join(folder, 'record')
    const p = pool(2, { record })
    await Promise.all([p.run('greet'), p.run('greet')])
    // Blocks its thread, as inference does.
    const blocked = p.run('block', [300]).catch((error: Error) => error.message)
    await Promise.all([p.close(), p.close()])
    expect(await blocked).toContain('pool was closed')
    expect(readFileSync(record, 'utf8').trim().split('\n').sort()).toEqual(['blocked', 'released', 'released'])
    rmSync(folder, { recursive: true })
  })
})

const dist = new URL('../dist/index.js', import.meta.url)
const script = `import { openPool } from '@ood/runtime'
const pool = openPool({ size: 2, module: new URL('./tasks.mjs', import.meta.url) })
console.log(import.meta.resolve('@ood/runtime').split('/').slice(-2).join('/'), await pool.run('double', [21]))
// No close(): an idle pool must not keep the process alive.`

/** Runs the script above beside a JavaScript task module inside this package; returns what it prints. */
function runScript(command: string[]): string {
  const folder = mkdtempSync(join(fileURLToPath(new URL('.', import.meta.url)), 'tmp-'))
  try {
    writeFileSync(join(folder, 'tasks.mjs'), 'export const double = (n) => 2 * n\n')
    writeFileSync(join(folder, 'main.mjs'), script)
    const [file, ...args] = command
    return execFileSync(file!, [...args, join(folder, 'main.mjs')], { encoding: 'utf8', timeout: 30_000 }).trim()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('outside vitest', () => {
  it('works from sources under tsx and lets the process end', () => {
    const tsx = fileURLToPath(new URL('../../../node_modules/tsx/dist/cli.mjs', import.meta.url))
    expect(runScript([process.execPath, tsx, '--conditions=@ood/source'])).toBe('src/index.ts 42')
  })

  it.skipIf(!existsSync(dist))('works from built files under plain node (skipped before `npm run build`)', () => {
    expect(runScript([process.execPath])).toBe('dist/index.js 42')
  })

  it.skipIf(!existsSync(dist))('works from a script on the command line (skipped before `npm run build`)', () => {
    const script = `import { openPool } from ${JSON.stringify(dist.href)}
const module = new URL('data:text/javascript,export const double = (n) => 2 * n')
console.log(await openPool({ size: 1, module }).run('double', [21]))`
    for (const option of ['--eval', '-e']) {
      const args = ['--input-type', 'module', option, script]
      expect(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 }).trim()).toBe('42')
    }
  })
})
