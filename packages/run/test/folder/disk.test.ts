// Full disks and read-only folders, at every change of the disk: one error that names the folder, and the run goes on later.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OodError } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { openRun } from '../../src/index.ts'
import { crashAt } from '../crash.ts'
import { experiment } from '../experiment.ts'
import { contents, temporaryFolder } from '../helpers.ts'

const undisturbed = temporaryFolder()
await experiment(undisturbed)
const expected = contents(undisturbed)

/** What the file system says; the words are the system's. */
function refusal(code: 'ENOSPC' | 'EROFS'): Error {
  const words = { ENOSPC: 'no space left on device', EROFS: 'read-only file system' }
  return Object.assign(new Error(`${code}: ${words[code]}, write`), { code, errno: -1, syscall: 'write' })
}

describe.each(['ENOSPC', 'EROFS'] as const)('%s', (code) => {
  it('at any moment is E_FILE naming the folder, and the run resumes to the same bytes', async () => {
    let k = 1
    let failures = 0
    for (; ; k += k < 60 ? 1 : 5) {
      const folder = temporaryFolder()
      const full = crashAt(k, () => {
        throw refusal(code)
      })
      let error: unknown
      try {
        await experiment(folder)
      } catch (caught) {
        error = caught
      } finally {
        full.restore()
      }
      if (full.calls() < k) break
      if (error !== undefined) {
        failures += 1
        expect(error, `refused at ${k}`).toBeInstanceOf(OodError)
        const { code: kind, message } = error as OodError
        expect(kind, message).toBe('E_FILE')
        expect(message, `refused at ${k}`).toContain(folder)
        expect(message).toContain(code)
      }
      const lock = join(folder, 'run.lock')
      // This process lives on, so its lock counts; a program would have ended.
      if (existsSync(lock))
        writeFileSync(lock, JSON.stringify({ ...JSON.parse(readFileSync(lock, 'utf8')), pid: 2 ** 22 + 1 }))
      await experiment(folder)
      expect(contents(folder), `refused at ${k}`).toEqual(expected)
    }
    expect(failures).toBeGreaterThan(60)
  }, 240_000)
})

describe('the journal', () => {
  const broken: [string, (event: Record<string, unknown>) => object][] = [
    ['names no files', ({ files, ...rest }) => rest],
    ['names an empty list', (event) => ({ ...event, files: {} })],
    ['names a list', (event) => ({ ...event, files: ['value.json'] })],
    ['has a number for a hash', (event) => ({ ...event, files: { 'value.json': 3 } })],
    ['names files elsewhere', (event) => ({ ...event, files: { '../train/value.json': 'x' } })],
    [
      'leaves out an array',
      (event) => ({ ...event, files: { '0.ids.npy': (event.files as Record<string, string>)['0.ids.npy'] } }),
    ],
  ]
  it.each(broken)('that %s has the step done again', async (_, change) => {
    const folder = temporaryFolder()
    await experiment(folder)
    const path = join(folder, 'run.jsonl')
    const events = readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const changed = events.map((event) => (event.type === 'step' && event.name === 'train' ? change(event) : event))
    writeFileSync(path, `${changed.map((event) => JSON.stringify(event)).join('\n')}\n`)
    const computed: string[] = []
    await experiment(folder, { onCompute: (what) => computed.push(what) })
    // A list that is too short still names unchanged files: their step stands.
    expect(computed).toEqual(_ === 'leaves out an array' ? [] : ['train'])
    expect(contents(folder)).toEqual(expected)
  })

  it('keeps whole lines when the disk is full in the middle of one', () => {
    const folder = temporaryFolder()
    const run = openRun({ folder, config: {} })
    const before = readFileSync(join(folder, 'run.jsonl'), 'utf8')
    const full = crashAt(1, () => {
      throw refusal('ENOSPC')
    })
    expect(() => run.log('note', { text: 'x'.repeat(100) })).toThrow(
      `${folder}: expected a folder that can be written to`,
    )
    full.restore()
    expect(readFileSync(join(folder, 'run.jsonl'), 'utf8')).toBe(before)
    run.log('note', { text: 'later' })
    expect(run.events.at(-1)).toMatchObject({ type: 'note', text: 'later' })
    run.close()
  })
})
