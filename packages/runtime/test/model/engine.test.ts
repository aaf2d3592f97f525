// The engine of models: the same kernels in workers and in process, sweeps over rows, abort; and the options of models.
import {
  type Engine,
  feedNumbers,
  modelSettings,
  openModelFolder,
  startEngine,
  takeFloats,
  taskModule,
  toFloat32,
} from '@ood/runtime'
import { afterAll, describe, expect, it } from 'vitest'
import { type DoublingKernels, openDoubling, releases } from './doubling-kernels.ts'

function start(workers: number, batchSize = 4): Engine<DoublingKernels> {
  return startEngine({
    setup: { factor: 2 },
    settings: { device: 'cpu', workers, batchSize },
    open: openDoubling,
    tasks: taskModule('./doubling-tasks.ts', import.meta.url),
  })
}
const engines = { 'in process': start(0), 'in 2 workers': start(2) }
afterAll(async () => {
  for (const engine of Object.values(engines)) await engine.release()
})

describe.each(Object.entries(engines))('kernels %s', (where, engine) => {
  it('are called by name, with arrays and members that are arrays', async () => {
    expect(await engine.call('double', [Float64Array.of(1, 2), 0], undefined)).toEqual(Float64Array.of(2, 4))
    const both = await engine.call('both', [Float64Array.of(1, 2)], undefined)
    expect(both).toEqual({ sum: 3, twice: Float64Array.of(2, 4) })
    await expect(engine.call('fail', [], undefined)).rejects.toThrow('no kernel')
  })

  it('stop at once when the signal fires', async () => {
    const before = AbortSignal.abort()
    await expect(engine.call('double', [Float64Array.of(1), 0], before)).rejects.toMatchObject({ code: 'E_ABORTED' })
    if (where === 'in process') return
    const soon = AbortSignal.timeout(30)
    const begin = performance.now()
    await expect(engine.call('double', [Float64Array.of(1), 2000], soon)).rejects.toMatchObject({
      code: 'E_ABORTED',
      message: 'double: stopped by the caller',
    })
    expect(performance.now() - begin).toBeLessThan(1500)
  })

  it('sweep every row once, in batches that keep all lanes busy', async () => {
    const ranges = async (total: number, batchSize?: number): Promise<string[]> => {
      const seen: string[] = []
      await engine.sweep('rows', total, { batchSize }, async (from, to) => {
        seen.push(`${from}-${to}`)
      })
      return seen
    }
    expect(engine.lanes).toBe(where === 'in process' ? 1 : 2)
    expect(await ranges(6)).toEqual(where === 'in process' ? ['0-4', '4-6'] : ['0-3', '3-6'])
    expect(await ranges(9)).toEqual(['0-4', '4-8', '8-9'])
    expect(await ranges(3, 2)).toEqual(['0-2', '2-3'])
    expect(await ranges(0)).toEqual([])
    await expect(ranges(3, 0.5)).rejects.toThrow('rows batchSize: expected a positive integer, got 0.5')
  })
})

it('kernels in process give the event loop a turn before each call, and are released', async () => {
  const engine = start(0)
  let turns = 0
  const turn = setImmediate(() => {
    turns++
  })
  await engine.call('both', [Float64Array.of(1)], undefined)
  clearImmediate(turn)
  expect(turns).toBe(1)
  const before = releases()
  await engine.release()
  expect(releases()).toBe(before + 1)
})

it('a task module is found beside sources and beside built files', () => {
  expect(taskModule('./tasks.ts', 'file:///x/src/open.ts').href).toBe('file:///x/src/tasks.ts')
  expect(taskModule('./tasks.ts', 'file:///x/dist/open.js').href).toBe('file:///x/dist/tasks.js')
})

it('settings have defaults and one line for what is wrong', () => {
  const settings = modelSettings('openFlow', {}, { batchSize: 32 })
  expect(settings).toMatchObject({ device: 'cpu', batchSize: 32 })
  expect(settings.workers).toBeGreaterThanOrEqual(1)
  expect(settings.workers).toBeLessThanOrEqual(8)
  expect(modelSettings('openFlow', { workers: 0, batchSize: undefined }, { batchSize: 5 })).toMatchObject({
    workers: 0,
    batchSize: 5,
  })
  const refused = (options: object) => expect(() => modelSettings('openFlow', options, { batchSize: 1 }, ['chunk']))
  refused({ workers: -1 }).toThrow('workers: expected 0 or a positive integer, got -1')
  refused({ batchSize: 0 }).toThrow('batchSize: expected a positive integer, got 0')
  refused({ chunk: 1, worker: 1 }).toThrow('openFlow: expected options device, workers, batchSize, chunk, got worker')
  refused({ device: 'abacus' }).toThrow('abacus')
})

it('floats go in and out in the number type of the graph', () => {
  const port = (type: string) => ({ inputs: [{ name: 'x', type, shape: ['N'] }], outputs: [] })
  const fed = (type: string, data: ArrayLike<number>) => feedNumbers(port(type) as never, 'x', data, [2]).data
  const single = Float32Array.of(1.5, -2)
  expect(fed('float32', single)).toBe(single)
  expect(fed('float64', single)).toEqual(Float64Array.of(1.5, -2))
  expect(fed('int64', [1.4, -2])).toEqual(BigInt64Array.of(1n, -2n))
  expect(toFloat32(single)).toBe(single)
  expect(toFloat32(Float64Array.of(0.1))).toEqual(Float32Array.of(0.1))
  expect(takeFloats('y', { data: single, shape: [2] }, 2)).toBe(single)
  expect(() => takeFloats('y', { data: single, shape: [2] }, 3)).toThrow('y: expected 3 floats, got 2')
  expect(() => takeFloats('y', undefined, 3)).toThrow('y: expected 3 floats, got none')
})

it('a folder that is no model is told what it should be', async () => {
  await expect(openModelFolder('/nowhere', 'a flow folder')).rejects.toMatchObject({
    code: 'E_FILE',
    message: '/nowhere: expected a flow folder; /nowhere/manifest.json: expected a readable file, got nothing there',
  })
})
