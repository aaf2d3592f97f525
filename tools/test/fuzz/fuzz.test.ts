// The fuzzer itself: cases are the same for a seed and a number, clean, and its supervisor finds planted faults.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OodError, random } from '@ood/core'
import { expect, it, onTestFinished } from 'vitest'
import { judged, runner, targetOf, targets, type Verdict } from '../../fuzz/cases.ts'
import { damaged, damagedText } from '../../fuzz/mutate.ts'
import { damagedJson } from '../../fuzz/mutate-json.ts'
import type { State } from '../../fuzz/protocol.ts'
import { report } from '../../fuzz/report.ts'
import { supervise } from '../../fuzz/supervise.ts'
import { Wrong } from '../../fuzz/target.ts'

const fresh = (): State => ({ seed: 0, next: 0, skip: [], seconds: 0, counts: {}, faults: [], slowest: 0, peak: 0 })

it('300 cases of another seed are clean, and the same when run again', async () => {
  const pass = async (): Promise<Verdict[]> => {
    const folder = mkdtempSync(join(tmpdir(), 'ood-fuzz-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const run = runner(targets, 11, folder)
    const verdicts: Verdict[] = []
    for (let index = 0; index < 300; index++) {
      const verdict = await run(index)
      verdicts.push({ ...verdict, detail: verdict.detail.replaceAll(folder, '') })
    }
    return verdicts
  }
  const first = await pass()
  expect(first.filter(({ kind }) => kind !== 'ok' && kind !== 'refused')).toEqual([])
  expect(new Set(first.map(({ target }) => target)).size).toBe(targets.length)
  for (const { name } of targets)
    expect(
      first.some((v) => v.target === name && v.kind === 'refused'),
      name,
    ).toBe(true)
  expect(await pass()).toEqual(first)
})

it('every target gets its share', () => {
  const total = targets.reduce((sum, { weight }) => sum + weight, 0)
  const counts = new Map<string, number>()
  for (let i = 0; i < 5000; i++) {
    const { name } = targetOf(targets, 0, i)
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  for (const { name, weight } of targets) expect(counts.get(name)! / 5000).toBeCloseTo(weight / total, 1)
})

it('damage is drawn from the seed, leaves its input alone, and now and then is none', () => {
  const input = Buffer.from('0123456789'.repeat(20))
  const before = Buffer.from(input)
  let same = 0
  for (let i = 0; i < 500; i++) {
    const once = damaged(input, random(i))
    expect(Buffer.from(damaged(input, random(i)))).toEqual(Buffer.from(once))
    if (Buffer.compare(once, input) === 0) same++
    JSON.parse(damagedJson({ a: [1, { b: 'c' }] }, random(i)))
    expect(Buffer.from(damagedText('a,b\n1,2\n', random(i)))).toEqual(Buffer.from(damagedText('a,b\n1,2\n', random(i))))
  }
  expect(input).toEqual(before)
  expect(same).toBeGreaterThan(0)
  expect(same).toBeLessThan(100)
})

it('tells refusals from faults', () => {
  expect(judged(new OodError('E_FILE', 'x: expected y, got z'))).toEqual({
    kind: 'refused',
    detail: 'x: expected y, got z',
  })
  expect(judged(new TypeError('x is undefined')).kind).toBe('raw')
  expect(judged('text').kind).toBe('raw')
  expect(judged(new Wrong('other pixels'))).toEqual({ kind: 'wrong', detail: 'other pixels' })
  const long = Object.assign(new Error('x'.repeat(300)), { name: 'OodError', code: 'E_FILE' })
  expect(judged(long).kind).toBe('message')
  expect(judged(Object.assign(new Error('two\nlines'), { name: 'OodError', code: 'E_FILE' })).kind).toBe('message')
  expect(judged(Object.assign(new Error('no code'), { name: 'OodError' })).kind).toBe('message')
})

it('names a case that hangs or ends its process, goes on without it, and continues where it was stopped', async () => {
  const script = fileURLToPath(new URL('./planted-child.ts', import.meta.url))
  const limits = { milliseconds: 60_000, limit: 400, memory: 512, signal: new AbortController().signal }
  const state = fresh()
  let saves = 0
  await supervise(state, { ...limits, cases: 10 }, () => saves++, script)
  expect(state.faults.map(({ index, kind }) => `${index} ${kind}`).sort()).toEqual(['3 hang', '5 crash', '7 raw'])
  expect(state).toMatchObject({ next: 10, skip: [3, 5], counts: { planted: { cases: 8, ok: 7, refused: 0 } } })
  expect(saves).toBe(3)
  const stored = JSON.parse(JSON.stringify(state)) as State
  await supervise(stored, { ...limits, cases: 25 }, () => undefined, script)
  expect(stored).toMatchObject({ next: 25, counts: { planted: { cases: 23 } } })
  expect(report(stored)).toContain('| all | 23 | 22 | 0 | 1 | 0 |')
  expect(report(stored)).toMatch(/seed 0: 25 cases in \d+ s; crashes 1, over 2 s 1, over 512 MB 0/)
})
