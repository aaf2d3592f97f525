// What people see: exit codes and error lines, progress, tables.
import { describe, expect, it } from 'vitest'
import { duration, formatTable, progressBar } from '../../src/index.ts'
import { contents, ended, startChild, temporaryFolder } from '../helpers.ts'

describe('runMain', () => {
  it.each([
    ['fine', 0, /^$/],
    ['user', 2, /^error: a\.npy: expected 8 bytes, got 7\n$/],
    ['fault', 1, /^error: x is not a function\nthis looks like a fault of the program: set OOD_DEBUG=1 .*\n$/],
  ])('%s ends with code %i', async (mode, code, stderr) => {
    const end = await ended(startChild(mode))
    expect(end.code).toBe(code)
    expect(end.stderr).toMatch(stderr)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'stops after a batch on %s, code 130, work kept, lock given back',
    async (name) => {
      const folder = temporaryFolder()
      const child = startChild('slow', folder)
      const end = await ended(child, () => setTimeout(() => child.kill(name), 150))
      expect(end.code).toBe(130)
      expect(end.stderr).toContain('run the same command again to resume')
      const files = Object.keys(contents(folder))
      expect(files).toContain('steps/slow.batches/0-1/0.x.npy')
      expect(files).not.toContain('run.lock')
    },
  )

  it('ends at once on a second Ctrl-C even when the program does not listen', async () => {
    const child = startChild('deaf')
    const done = ended(child, () => child.kill('SIGINT'))
    child.stderr!.once('data', () => child.kill('SIGINT'))
    expect((await done).code).toBe(130)
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
