// Files written whole or not at all: contents, failures that leave what was there, kills at any moment.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  type Chunks,
  flush,
  flushSync,
  PART,
  removeParts,
  writeFileAtomic,
  writeFileAtomicSync,
  writeFilesAtomicSync,
  writeFolderAtomic,
} from '@ood/core/node'
import { afterAll, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'ood-write-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const writers: [string, (path: string, data: Chunks) => unknown][] = [
  ['writeFileAtomic', writeFileAtomic],
  ['writeFileAtomicSync', writeFileAtomicSync],
]

test.each(writers)('%s: text, bytes and pieces arrive whole, in folders that are made', async (name, write) => {
  const path = join(folder, name, 'a', 'b.txt')
  await write(path, 'ä\n')
  expect(readFileSync(path, 'utf8')).toBe('ä\n')
  await write(path, Uint8Array.of(0, 255))
  expect([...readFileSync(path)]).toEqual([0, 255])
  await write(
    path,
    [1, 2, 3].map((n) => Uint8Array.of(n)),
  )
  expect([...readFileSync(path)]).toEqual([1, 2, 3])
  await write(path, [])
  expect(readFileSync(path).length).toBe(0)
  expect(readdirSync(join(folder, name, 'a'))).toEqual(['b.txt'])
})

test('pieces may come one after another', async () => {
  async function* pieces() {
    yield Uint8Array.of(1)
    await sleep(1)
    yield Uint8Array.of(2)
  }
  await writeFileAtomic(join(folder, 'async'), pieces())
  expect([...readFileSync(join(folder, 'async'))]).toEqual([1, 2])
})

test.each(writers)('%s: a failure in the middle leaves the old file and no part', async (name, write) => {
  const home = join(folder, `${name}-failing`)
  const path = join(home, 'x')
  await write(path, 'old')
  const mine = new RangeError('mine')
  function* pieces() {
    yield Uint8Array.of(1)
    throw mine
  }
  await expect((async () => await write(path, pieces()))()).rejects.toBe(mine)
  expect(readFileSync(path, 'utf8')).toBe('old')
  expect(readdirSync(home)).toEqual(['x'])
  // A file where a folder should be, and a folder where the file should be.
  for (const [place, error] of [
    [join(path, 'below'), `${path}: expected a folder, got a file`],
    [home, `${home}: expected a place to write to, got `],
  ] as const)
    await expect((async () => await write(place, 'x'))()).rejects.toMatchObject({
      code: 'E_FILE',
      message: expect.stringContaining(error),
    })
  expect(readdirSync(home)).toEqual(['x'])
})

test('a folder is filled under another name; a failing fill leaves the old one', () => {
  const path = join(folder, 'whole')
  const fill = (text: string) => (part: string) => writeFileSync(join(part, 'x'), text)
  writeFolderAtomic(path, fill('1'))
  writeFolderAtomic(path, fill('2'))
  const mine = new Error('mine')
  expect(() =>
    writeFolderAtomic(path, (part) => {
      fill('3')(part)
      throw mine
    }),
  ).toThrow(mine)
  expect(readFileSync(join(path, 'x'), 'utf8')).toBe('2')
  expect(readdirSync(folder).filter((name) => name.includes(PART))).toEqual([])
})

test('what killed processes left is removed at any depth, and nothing else', () => {
  const home = join(folder, 'left')
  mkdirSync(join(home, 'deep', `d${PART}`), { recursive: true })
  for (const name of ['x', `x${PART}`, join('deep', 'y'), join('deep', `d${PART}`, 'z')])
    writeFileSync(join(home, name), '')
  removeParts(home)
  expect((readdirSync(home, { recursive: true }) as string[]).sort()).toEqual(['deep', 'deep/y', 'x'])
  removeParts(join(home, 'absent'))
})

test('folders can be flushed, absent files cannot', async () => {
  await flush(folder)
  flushSync(folder)
  await expect(flush(join(folder, 'absent'))).rejects.toMatchObject({ code: 'E_FILE' })
  expect(() => flushSync(join(folder, 'absent'))).toThrow(expect.objectContaining({ code: 'E_FILE' }))
})

test('a writer killed at any moment leaves one whole version under the name', async () => {
  const path = join(folder, 'killed.txt')
  const child = fileURLToPath(new URL('../killed-writer.ts', import.meta.url))
  for (let round = 0; round < 3; round++) {
    const writer = spawn(process.execPath, ['--conditions=@ood/source', '--import', 'tsx', child, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((resolve) => writer.stdout.once('data', resolve))
    await sleep(20 + 30 * round)
    writer.kill('SIGKILL')
    await new Promise((resolve) => writer.once('exit', resolve))
    const text = readFileSync(path, 'utf8')
    expect(text.length).toBe(2 ** 20)
    expect(new Set(text).size).toBe(1)
  }
})

test('files that belong together: none gets its name before all are written', () => {
  const home = join(folder, 'together')
  mkdirSync(home)
  const place = (name: string) => join(home, name)
  writeFilesAtomicSync([
    { path: place('a'), data: '1' },
    { path: place('b'), data: '2' },
  ])
  const mine = new Error('mine')
  const failing = {
    *[Symbol.iterator]() {
      yield Uint8Array.of(51)
      throw mine
    },
  }
  expect(() =>
    writeFilesAtomicSync([
      { path: place('a'), data: '3' },
      { path: place('b'), data: failing },
    ]),
  ).toThrow(mine)
  expect(() => writeFilesAtomicSync([{ path: place('no/c'), data: '' }])).toThrow(
    expect.objectContaining({ message: `${place('no/c')}: expected a place to write to, got nothing there` }),
  )
  expect(readdirSync(home).map((name) => readFileSync(place(name), 'utf8'))).toEqual(['1', '2'])
})
