// Reading `run.jsonl`: whole lines only, and never a pipe.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readJournal } from '@ood/run'
import { expect, it, onTestFinished } from 'vitest'

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ood-journal-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'run.jsonl')
}

it('reads whole lines, and cuts a half-written last one off where asked', () => {
  const path = place()
  writeFileSync(path, '{"time":"t","type":"open","name":"é"}\n{"time":"t","ty')
  expect(readJournal(path)).toEqual([{ time: 't', type: 'open', name: 'é' }])
  expect(readFileSync(path, 'utf8')).toContain('"ty')
  readJournal(path, true)
  expect(readFileSync(path, 'utf8')).toBe('{"time":"t","type":"open","name":"é"}\n')
})

it.skipIf(process.platform === 'win32')('refuses a pipe instead of waiting on it', () => {
  const path = place()
  execFileSync('mkfifo', [path])
  expect(() => readJournal(path)).toThrow('run.jsonl: expected a file, got a special file')
})
