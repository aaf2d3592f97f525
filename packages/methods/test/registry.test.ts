// One table of tests over every method of the registry, and the registry's own answers.
import { flatData, type NdArray, sliceRows, tensor } from '@ood/core'
import {
  type Columns,
  detector,
  fitMethod,
  type Method,
  measureNeeds,
  restoreDetector,
  sliceColumns,
} from '@ood/detect'
import { loadDetector, saveDetector } from '@ood/detect/node'
import { availableMethods, type Models, makeMethod, methodEntry, methodOf, methods, openModel } from '@ood/methods'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exactDiffusion, exactRows, images, openAll, sequences, temporaryFolder } from './fixtures.ts'

let all: Awaited<ReturnType<typeof openAll>>
let texts: Awaited<ReturnType<typeof openAll>>
beforeAll(async () => {
  all = await openAll([
    'flow',
    'flowBackground',
    'autoregressive',
    'autoregressiveBackground',
    'diffusion',
    'classifier',
    'featureFlow',
  ])
  texts = await openAll(['sequence', 'sequenceBackground'])
})
afterAll(async () => {
  await all.release()
  await texts.release()
})

const call = { seed: 5 }
const TRAIN = 24
const exact = exactDiffusion()

interface Case {
  models: Models
  folders: Record<string, string>
  draw(count: number, seed: number): NdArray
}
/** Methods that solve equations with the network: a model known exactly stands in for random weights. */
const solved = new Set(methods.filter(({ slow, roles }) => slow && roles.includes('diffusion')).map(({ name }) => name))
const caseOf = (name: string): Case =>
  name.startsWith('sequence')
    ? { models: texts.models, folders: texts.folders, draw: sequences }
    : solved.has(name)
      ? { models: { ...all.models, diffusion: exact }, folders: all.folders, draw: exactRows }
      : { models: all.models, folders: all.folders, draw: images }

/** Measured and fitted once a method, since all tests of the table look at the same fit. */
const fits = new Map<string, Promise<{ method: Method; fit: unknown; train: Columns; seen: string[] }>>()
function fitted(name: string) {
  const known = fits.get(name)
  if (known) return known
  const { models, draw } = caseOf(name)
  const method = makeMethod(name, models)
  const seen: string[] = []
  const rows = draw(TRAIN, 1)
  const made = fitMethod(method, (needs) => {
    seen.push(...Object.values(needs).map(({ key }) => key))
    return measureNeeds(needs, rows, call)
  }).then(({ fit, columns }) => ({ method, fit, train: columns, seen }))
  fits.set(name, made)
  return made
}

describe.each(methods.map(({ name }) => name))('%s', (name) => {
  it('scores rows one by one as in a batch, to the last bit', async () => {
    const { method, fit } = await fitted(name)
    const x = caseOf(name).draw(5, 2)
    const together = method.score(await measureNeeds(method.needs(fit), x, call), fit)
    expect(together.every((score) => !Number.isNaN(score))).toBe(true)
    expect(new Set(together).size).toBeGreaterThan(1)
    for (let row = 0; row < 5; row++) {
      const alone = await measureNeeds(method.needs(fit), sliceRows(x, row, row + 1), { ...call, rows: [row] })
      expect(method.score(alone, fit)[0]).toBe(together[row])
    }
  })

  it('gives the same fit from measured columns, whatever was scored in between', async () => {
    const { method, fit, train } = await fitted(name)
    const x = caseOf(name).draw(4, 3)
    const other = await measureNeeds(method.needs(fit), x, call)
    const before = method.score(sliceColumns(train, 0, 4), fit)
    method.score(other, fit)
    expect(method.score(sliceColumns(train, 0, 4), fit)).toEqual(before)
    const { fit: again } = await fitMethod(method, (needs) => measureNeeds(needs, caseOf(name).draw(TRAIN, 1), call))
    expect(JSON.stringify(again)).toBe(JSON.stringify(fit))
  })

  it('comes back from JSON with the same scores, threshold and p-values to the last bit', async () => {
    const { method, fit, train } = await fitted(name)
    const found = detector({ ...method, initial: fit })
    await found.inferThreshold({ columns: train }, 0.25)
    const text = JSON.stringify(found)
    const again = restoreDetector(JSON.parse(text), makeMethod(name, caseOf(name).models))
    expect(JSON.stringify(again)).toBe(text)
    const columns = await measureNeeds(method.needs(fit), caseOf(name).draw(4, 4), call)
    const [a, b] = [await found.predict({ columns }), await again.predict({ columns })]
    expect(b.data).toEqual(a.data)
  })

  it('is stored with its models and opened by name', async () => {
    const { method, fit, train } = await fitted(name)
    const { models, folders, draw } = caseOf(name)
    const found = detector({ ...method, initial: fit })
    await found.inferThreshold({ columns: train }, 0.25)
    const roleOf = (model: object): string => Object.entries(models).find(([, other]) => other === model)![0]
    const places = Object.fromEntries(
      Object.entries(method.models ?? {}).map(([role, model]) => [role, folders[roleOf(model)]!]),
    )
    const folder = `${temporaryFolder()}/saved`
    await saveDetector(found, folder, { models: places })
    const loaded = await loadDetector(folder, methodOf, {
      openModel: async (path) => (solved.has(name) ? exact : (await openModel(path, { workers: 0 })).model),
    })
    try {
      expect(loaded.method.name).toBe(method.name)
      expect(JSON.stringify(loaded)).toBe(JSON.stringify(found))
      const x = draw(2, 6)
      expect((await loaded.predict(x, call)).data).toEqual((await found.predict(x, call)).data)
    } finally {
      await loaded.release()
    }
  })

  it('refuses NaN by name and row', async () => {
    const { method, fit } = await fitted(name)
    const x = caseOf(name).draw(3, 7)
    const data = Float64Array.from(flatData(x))
    data[data.length - 1] = Number.NaN
    const broken = tensor(data, x.shape)
    await expect(measureNeeds(method.needs(fit), broken, call)).rejects.toMatchObject({
      name: 'OodError',
      message: expect.stringMatching(/NaN/),
    })
    const found = detector({ ...method, initial: fit })
    await expect(found.score(broken, call)).rejects.toThrow(/NaN.*row 2/)
  })

  it('says its source and cost, and refuses to run without its models', () => {
    const entry = methodEntry(name)
    expect(entry.source.length * entry.cost.length * entry.title.length).toBeGreaterThan(0)
    expect(() => makeMethod(name, {})).toThrow(
      `method ${name}: expected models of role ${entry.roles.join(', ')}, got none of role ${entry.roles.join(', ')}`,
    )
  })
})

it('no two methods of the registry are the same one', () => {
  const made = availableMethods(all.models).map((entry) => {
    const { name, settings } = entry.make(all.models)
    const keys = Object.values(entry.make(all.models).needs()).map(({ key }) => key)
    return JSON.stringify([name, settings, keys.sort()])
  })
  expect(new Set(made).size).toBe(made.length)
})
