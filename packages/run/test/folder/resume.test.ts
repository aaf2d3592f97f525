// A run killed at any moment and started again must end like one that was left alone.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { random } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { crashAt } from '../crash.ts'
import { experiment } from '../experiment.ts'
import { contents, ended, startChild, temporaryFolder } from '../helpers.ts'

const undisturbed = temporaryFolder()
await experiment(undisturbed)
const expected = contents(undisturbed)

/** A crash inside this process leaves a lock of a live pid: put a dead one in, as a real kill would. */
function killHolder(folder: string): void {
  const lock = join(folder, 'run.lock')
  if (!existsSync(lock)) return
  writeFileSync(lock, JSON.stringify({ ...JSON.parse(readFileSync(lock, 'utf8')), pid: 2 ** 22 + 1 }))
}

async function crashing(folder: string, k: number): Promise<boolean> {
  const crash = crashAt(k, () => {
    throw new Error('crash')
  })
  let crashed = false
  try {
    await experiment(folder)
  } catch (error) {
    crashed = true
    // The half-done call surfaces as it is or wrapped as a file error; nothing else may go wrong.
    if (!(error as Error).message.includes('crash')) throw error
  } finally {
    crash.restore()
  }
  return crashed
}

describe('the undisturbed run', () => {
  it('leaves exactly the files it promises', () => {
    expect(Object.keys(expected)).toEqual([
      'config.yaml',
      'ood/metrics.csv',
      'ood/trends/sweeping_range.csv',
      'ood/trends/trend.csv',
      'report.html',
      'steps/pair.curve/0.lid.npy',
      'steps/pair.curve/1.logProb.npy',
      'steps/pair.curve/value.json',
      'steps/train/0.ids.npy',
      'steps/train/value.json',
      'summary.json',
    ])
  })
})

describe('a run killed and started again', () => {
  it('ends equal byte for byte, whichever change of the disk is the last one', async () => {
    let k = 1
    for (; ; k++) {
      const folder = temporaryFolder()
      const crashed = await crashing(folder, k)
      if (!crashed) break
      killHolder(folder)
      await experiment(folder)
      expect(contents(folder), `crash at ${k}`).toEqual(expected)
    }
    expect(k).toBeGreaterThan(100) // the run changes the disk that often; fewer would mean the test sees nothing
  }, 240_000)

  it('ends equal after being killed many times in a row', async () => {
    const rng = random(5)
    for (let trial = 0; trial < 10; trial++) {
      const folder = temporaryFolder()
      let kills = 0
      while (await crashing(folder, 1 + rng.integer(200))) {
        killHolder(folder)
        kills += 1
      }
      expect(kills).toBeGreaterThan(0)
      expect(contents(folder)).toEqual(expected)
    }
  }, 240_000)

  it('ends equal after a real SIGKILL of a real process', async () => {
    const folder = temporaryFolder()
    for (const k of [3, 37, 61]) {
      expect((await ended(startChild('experiment', folder, 'pipe', k))).signal).toBe('SIGKILL')
      expect(existsSync(join(folder, 'run.lock')) || k < 5).toBe(true)
    }
    expect(await ended(startChild('experiment', folder))).toMatchObject({ code: 0, stderr: '' })
    expect(contents(folder)).toEqual(expected)
  })

  it('loses at most one batch', async () => {
    const computed: string[] = []
    const folder = temporaryFolder()
    const onCompute = (what: string) => {
      computed.push(what)
      if (computed.length === 3) throw new Error('stop')
    }
    await expect(experiment(folder, { onCompute })).rejects.toThrow('stop')
    const done: number[] = []
    await experiment(folder, { onCompute, onProgress: (progress) => done.push(progress.done) })
    expect(computed).toEqual(['train', 'curve 0', 'curve 3', 'curve 3', 'curve 6'])
    expect(done).toEqual([3, 6, 7])
    expect(contents(folder)).toEqual(expected)
  })

  it('computes nothing again once it has finished', async () => {
    const folder = temporaryFolder()
    await experiment(folder)
    await experiment(folder, {
      onCompute: (what) => {
        throw new Error(`computed ${what} again`)
      },
    })
    expect(contents(folder)).toEqual(expected)
  })

  it.each([
    ['changed', (path: string) => writeFileSync(path, 'x')],
    ['truncated', (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 70))],
  ])('computes a step again whose file was %s', async (_, damage) => {
    const folder = temporaryFolder()
    await experiment(folder)
    damage(join(folder, 'steps/train/0.ids.npy'))
    const computed: string[] = []
    await experiment(folder, { onCompute: (what) => computed.push(what) })
    expect(computed).toEqual(['train'])
    expect(contents(folder)).toEqual(expected)
    expect(readFileSync(join(folder, 'run.jsonl'), 'utf8')).toContain('"reason":"0.ids.npy is missing or changed"')
  })
})
