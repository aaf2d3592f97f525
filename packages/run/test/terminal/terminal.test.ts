// What people see: exit codes and error lines, progress, tables.
import { closeSync, existsSync, openSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { duration, formatTable, progressBar } from '../../src/index.ts'
import { contents, ended, startChild, temporaryFolder } from '../helpers.ts'

describe('runMain', () => {
  it.each([
    ['fine', 0, /^$/],
    ['user', 2, /^error: a\.npy: expected 8 bytes, got 7\n$/],
    ['system', 2, /^error: \/none\/such: expected a file or folder that can be used, got nothing there\n$/],
    ['fault', 1, /^error: x is not a function\nthis looks like a fault of the program: set OOD_DEBUG=1 .*\n$/],
  ])('%s ends with code %i', async (mode, code, stderr) => {
    const end = await ended(startChild(mode))
    expect(end.code).toBe(code)
    expect(end.stderr).toMatch(stderr)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('stops after a batch on %s, code %i, work kept, lock given back', async (name, code) => {
    const folder = temporaryFolder()
    const child = startChild('slow', folder)
    const end = await ended(child, () => setTimeout(() => child.kill(name), 150))
    expect(end.code).toBe(code)
    expect(end.stderr).toContain('run the same command again to resume')
    const files = Object.keys(contents(folder))
    expect(files).toContain('steps/slow.batches/0-1/0.x.npy')
    expect(files).not.toContain('run.lock')
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends at once on a second %s even when the program does not listen, and gives its lock back',
    async (name) => {
      const folder = temporaryFolder()
      const child = startChild('hold', folder)
      const done = ended(child, () => child.kill(name))
      child.stderr!.once('data', () => child.kill(name))
      // By the signal itself: a shell reports 128 + its number. Any other way would tear down working threads.
      expect(await done).toMatchObject({ code: null, signal: name, stderr: expect.stringContaining('stopped: ') })
      expect(Object.keys(contents(folder))).not.toContain('run.lock')
    },
  )

  it.skipIf(!existsSync('/dev/full'))('says in one line that standard output is full', async () => {
    const full = openSync('/dev/full', 'w')
    const child = startChild('print', '', full)
    const end = await ended(child)
    closeSync(full)
    expect(end.code).toBe(2)
    expect(end.stderr).toBe(
      'error: standard output: expected a place to write to, got ENOSPC: no space left on device\n',
    )
  })

  it('ends quietly when the reader of its output has gone', async () => {
    const child = startChild('print')
    child.stdout!.once('data', () => child.stdout!.destroy())
    const end = await ended(child)
    expect(end).toMatchObject({ code: 141, stderr: '' })
  })

  it('a folder that cannot be made is one line, code 2', async () => {
    const end = await ended(startChild('hold', '/proc/x/y'))
    expect(end.code).toBe(2)
    expect(end.stderr).toMatch(/^error: \/proc\/x: expected a folder that can be made, got .*\n$/)
  })
})

function stream(isTTY: boolean) {
  const written: string[] = []
  return { written, isTTY, columns: 80, write: (text: string) => written.push(text) > 0, on() {}, removeListener() {} }
}

describe('progressBar', () => {
  it('writes a line every tenth of the way into a log, with the time left', () => {
    const out = stream(false)
    let time = 0
    const bar = progressBar(out, { now: () => time })
    for (let done = 0; done <= 200; done += 4) {
      bar.update({ done, total: 200, label: 'jacobian' })
      time += 1000
    }
    expect(out.written).toHaveLength(11)
    expect(out.written[0]).toBe('jacobian: 0/200 (0 %)\n')
    expect(out.written[5]).toBe('jacobian: 100/200 (50 %), 25 s left\n')
    expect(out.written[10]).toBe('jacobian: 200/200 (100 %), 50 s\n')
  })

  it('does not let loaded rows flatter the time left', () => {
    const out = stream(false)
    let time = 0
    const bar = progressBar(out, { now: () => time, everyPercent: 1 })
    bar.update({ done: 90, total: 100, label: 'x' })
    time = 5000
    bar.update({ done: 91, total: 100, label: 'x' })
    expect(out.written.at(-1)).toBe('x: 91/100 (91 %), 45 s left\n')
  })

  it('draws on a terminal at every event, a bar for each label', () => {
    const out = stream(true)
    const bar = progressBar(out)
    bar.update({ done: 1, total: 3, label: 'encode' })
    bar.update({ done: 2, total: 3, label: 'encode' })
    expect(out.written.join('')).toContain('2/3')
    bar.update({ done: 1, total: 2, label: 'decode' })
    bar.stop()
    bar.stop()
    const text = out.written.join('')
    expect(text.indexOf('encode')).toBeLessThan(text.indexOf('decode'))
    expect(text).toContain('1/2')
    expect(text.endsWith('\n')).toBe(true)
  })
})

describe('duration', () => {
  it.each([
    [0, '0 ms'],
    [999.4, '999 ms'],
    [59_400, '59 s'],
    [59_600, '1 min 00 s'],
    [185_000, '3 min 05 s'],
    [3_600_000, '1 h 00 min'],
    [7_830_000, '2 h 11 min'],
  ])('%d ms is %s', (ms, text) => expect(duration(ms)).toBe(text))
})

describe('formatTable', () => {
  it('aligns numbers right and gives a column one number of digits', () => {
    const table = formatTable([
      ['pair', 'n', 'AUC'],
      ['fmnist → mnist', 64, 0.2911],
      ['mnist → fmnist', 128, 1],
      ['none', undefined, undefined],
    ])
    expect(table.split('\n')).toEqual([
      'pair              n    AUC',
      '--------------  ---  -----',
      'fmnist → mnist   64  0.291',
      'mnist → fmnist  128  1.000',
      'none',
    ])
    expect(formatTable([])).toBe('')
    expect(formatTable([['a', 'b']])).toBe('a  b\n-  -')
    expect(formatTable([['x'], [Number.NaN], [0.25]], { digits: 1 })).toBe('x  \n---\nNaN\n0.3'.replace('x  ', '  x'))
  })
})
