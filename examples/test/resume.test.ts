// Killed at any moment and started again, the example's measuring ends with the same bytes as an undisturbed run.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { splitNames } from '../common/splits.ts'

const script = fileURLToPath(new URL('fixtures-measure.ts', import.meta.url))
const checkpoint = fileURLToPath(new URL('../../packages/models-flow/test/fixtures/tiny-affine', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'ood-resume-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

function start(folder: string, killAfter?: number) {
  const node = ['--import', import.meta.resolve('tsx'), '--conditions=@ood/source', script]
  const result = spawnSync(
    process.execPath,
    [...node, folder, checkpoint, killAfter === undefined ? '' : String(killAfter)],
    {
      encoding: 'utf8',
    },
  )
  return { status: result.status, signal: result.signal, stderr: result.stderr }
}

const filesOf = (folder: string) => splitNames.map((name) => readFileSync(join(folder, name, 'metrics.csv'), 'utf8'))

describe('a run that is killed', () => {
  it('ends with the same files, wherever it was killed', () => {
    const undisturbed = join(work, 'undisturbed')
    expect(start(undisturbed)).toEqual({ status: 0, signal: null, stderr: '' })
    const expected = filesOf(undisturbed)
    expect(new Set(expected).size).toBe(splitNames.length)
    // 4 splits of 5 measurements of 3 batches: at the first batch; at the end of a split, in the middle of a later one.
    for (const kills of [[1], [15, 22]]) {
      const folder = join(work, `killed-${kills.join('-')}`)
      for (const after of kills) expect(start(folder, after).signal).toBe('SIGKILL')
      expect(start(folder)).toEqual({ status: 0, signal: null, stderr: '' })
      expect(filesOf(folder)).toEqual(expected)
    }
  }, 300_000)
})
