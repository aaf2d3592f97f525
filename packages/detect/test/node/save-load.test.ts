// Detector folders: the same bits back, nothing outside read, nothing altered accepted.
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { detector, type Method, packNumbers, restoreDetector, worstOf } from '@ood/detect'
import { loadDetector, openDetectorFolder, saveDetector } from '@ood/detect/node'
import { describe, expect, it } from 'vitest'
import {
  fittedRatio,
  type Gaussian,
  makeMethod,
  noModel,
  open,
  openGaussian,
  plain,
  ratio,
  sample,
  temporary,
  writeModel,
} from './stored.ts'

const seed = { seed: 3 }
interface Entry {
  folder: string
  files: Record<string, string>
}
const edit = (file: string, change: (manifest: { modelFolders: Record<string, Entry> }) => void) => {
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  change(manifest)
  writeFileSync(file, JSON.stringify(manifest))
}

describe('round trip', () => {
  it('gives the same predictions to the last bit, after the folder has moved', async () => {
    const folder = temporary()
    const { ratio, models } = await fittedRatio(folder)
    await saveDetector(ratio, join(folder, 'saved'), { models })
    renameSync(join(folder, 'saved'), join(folder, 'moved'))
    rmSync(models.semantic, { recursive: true })
    const opened: [string, string][] = []
    const loaded = await loadDetector(join(folder, 'moved'), makeMethod, {
      openModel(path, role) {
        opened.push([path, role])
        return openGaussian(path)
      },
    })
    expect(opened.map(([, role]) => role)).toEqual(['semantic', 'background'])
    expect(opened.every(([path]) => path.includes(join('moved', 'models')))).toBe(true)
    const x = sample(100, 9)
    expect(loaded.name).toBe('Ratio')
    expect(await loaded.predict(x, seed)).toEqual(await ratio.predict(x, seed))
    expect(JSON.stringify({ ...loaded.toJSON(), models: {} })).toBe(JSON.stringify({ ...ratio.toJSON(), models: {} }))
    expect(readdirSync(folder).sort()).toEqual(['background-0', 'moved'])
  })

  it('keeps settings, infinite reference scores and detectors without threshold', async () => {
    const folder = temporary()
    const { ratio: found, models } = await fittedRatio(folder)
    const opened = { semantic: openGaussian(models.semantic), background: openGaussian(models.background) }
    const reference = [Number.NEGATIVE_INFINITY, -0.1, 5e-324, Number.POSITIVE_INFINITY]
    const state = {
      ...found.toJSON(),
      method: { name: 'Ratio', settings: { power: 3 } },
      models: {},
      reference: packNumbers(reference),
      threshold: null,
      outlierType: 'feature',
      dataType: null,
    }
    const odd = restoreDetector(JSON.parse(JSON.stringify(state)), ratio(opened, 3))
    await saveDetector(odd, join(folder, 'odd'), { models })
    const back = await loadDetector(join(folder, 'odd'), makeMethod, open)
    expect({ ...JSON.parse(JSON.stringify(back)), models: {} }).toEqual(state)
    expect([...back.calibration!.scores]).toEqual(reference)
    const x = sample(9, 1)
    expect(await back.score(x, seed)).toEqual(await odd.score(x, seed))
    const fresh = detector(plain(opened.semantic))
    await saveDetector(fresh, join(folder, 'fresh'), { models: { model: models.semantic } })
    const unfitted = await loadDetector(join(folder, 'fresh'), makeMethod, open)
    expect([unfitted.name, unfitted.threshold, unfitted.calibration]).toEqual(['Plain', null, null])
  })

  it('still refuses other data', async () => {
    const folder = temporary()
    const { ratio, models } = await fittedRatio(folder)
    await saveDetector(ratio, join(folder, 'saved'), { models })
    const loaded = await loadDetector(join(folder, 'saved'), makeMethod, open)
    const wide = sample(6, 1)
    wide.shape = [4, 3]
    await expect(loaded.score(wide)).rejects.toThrow('Ratio data: expected rows of shape [2], got [3]')
    const far = sample(2, 1)
    far.set(1, 0, 255)
    await expect(loaded.score(far)).rejects.toThrow('got 255 in row 1')
  })

  it('works for any method: several roles of one model, no model, roles of combinations', async () => {
    const folder = temporary()
    const { models } = await fittedRatio(folder)
    const { semantic, background } = models
    const none = detector(noModel)
    await none.inferThreshold({ columns: { x: Float64Array.of(1, 2, 3) } }, 0.5)
    await saveDetector(none, join(folder, 'none'))
    expect(readdirSync(join(folder, 'none'))).toEqual(['detector.json'])
    expect((await loadDetector(join(folder, 'none'), makeMethod)).threshold).toBe(none.threshold)

    // The first and the last are the same folder, stored once.
    const members = { '0.model': semantic, '1.model': background, '2.model': semantic }
    const parts = (opened: Readonly<Record<string, Gaussian>>) =>
      worstOf(Object.keys(members).map((role) => plain(opened[role]!)))
    const joint = detector(
      parts(Object.fromEntries(Object.entries(members).map(([role, path]) => [role, openGaussian(path)]))),
    )
    await joint.fit(sample(50, 2), seed)
    await saveDetector(joint, join(folder, 'joint'), { models: members })
    expect(readdirSync(join(folder, 'joint', 'models')).length).toBe(2)
    const again = await loadDetector(join(folder, 'joint'), (_, __, opened) => parts(opened) as Method, open)
    const x = sample(20, 3)
    expect(await again.predict(x, seed)).toEqual(await joint.predict(x, seed))
  })

  it('says what cannot be made again', async () => {
    const folder = temporary()
    const { ratio, models } = await fittedRatio(folder)
    const own = { ...ratio, toJSON: () => ({ ...ratio.toJSON(), method: { name: 'Own', settings: { a: [1] } } }) }
    await saveDetector(own, join(folder, 'own'), { models })
    await expect(loadDetector(join(folder, 'own'), makeMethod, open)).rejects.toThrow(
      'method: expected one of Ratio, Plain, NoModel, got Own',
    )
    const { state, models: found } = await openDetectorFolder(join(folder, 'own'), open)
    expect(state.method).toEqual({ name: 'Own', settings: { a: [1] } })
    expect(Object.keys(found)).toEqual(['semantic', 'background'])
    await saveDetector(ratio, join(folder, 'wrong'), { models: { semantic: models.semantic } })
    await expect(loadDetector(join(folder, 'wrong'), makeMethod, open)).rejects.toThrow(
      'models of Ratio: expected a model background, got semantic',
    )
    await expect(loadDetector(join(folder, 'wrong'), makeMethod)).rejects.toThrow('expected openModel')
  })

  it('refuses the same method over other models, where models have an identity', async () => {
    const folder = temporary()
    const { models } = await fittedRatio(folder)
    const known = (hash: string) => ({ manifest: { name: 'flow', sha256: { 'encode.onnx': hash.repeat(64) } } })
    const saved = detector(plain(Object.assign(openGaussian(models.semantic), known('a'))))
    await saveDetector(saved, join(folder, 'saved'), { models: { model: models.semantic } })
    const opened = (hash: string) => ({ openModel: (path: string) => Object.assign(openGaussian(path), known(hash)) })
    await expect(loadDetector(join(folder, 'saved'), makeMethod, opened('b'))).rejects.toThrow(
      'detector model model: expected flow@aaaaaaaaaaaaaaaa, got flow@bbbbbbbbbbbbbbbb',
    )
    expect((await loadDetector(join(folder, 'saved'), makeMethod, opened('a'))).name).toBe('Plain')
  })

  it('releases the models: at the end, when a later one does not open, when there is no such method', async () => {
    const folder = temporary()
    const { ratio, models } = await fittedRatio(folder)
    await saveDetector(ratio, join(folder, 'saved'), { models })
    const opened: Gaussian[] = []
    const openModel = (path: string) => {
      opened.push(openGaussian(path))
      return opened.at(-1)!
    }
    await (await loadDetector(join(folder, 'saved'), makeMethod, { openModel })).release()
    expect(opened.map((model) => model.released)).toEqual([1, 1])
    const fails = (path: string, role: string) => {
      if (role === 'background') throw new Error('no memory')
      return openModel(path)
    }
    await expect(loadDetector(join(folder, 'saved'), makeMethod, { openModel: fails })).rejects.toThrow('no memory')
    expect(opened[2]!.released).toBe(1)
    const unknown = () => Promise.reject(new Error('no such method'))
    await expect(loadDetector(join(folder, 'saved'), unknown, { openModel })).rejects.toThrow('no such method')
    expect(opened.slice(3).map((model) => model.released)).toEqual([1, 1])
  })
})

describe('saving over a detector', () => {
  it('replaces it whole and removes models nobody names', async () => {
    const folder = temporary()
    const first = await fittedRatio(folder, 0)
    const second = await fittedRatio(folder, 1)
    const saved = join(folder, 'saved')
    await saveDetector(first.ratio, saved, { models: first.models })
    await saveDetector(second.ratio, saved, { models: second.models })
    const x = sample(10, 4)
    const loaded = await loadDetector(saved, makeMethod, open)
    expect(await loaded.predict(x, seed)).toEqual(await second.ratio.predict(x, seed))
    expect(readdirSync(join(saved, 'models')).length).toBe(2)
    expect(readdirSync(saved).sort()).toEqual(['detector.json', 'models'])
    // A damaged model of the same hash is written anew.
    const damaged = join(saved, 'models', readdirSync(join(saved, 'models'))[0]!, 'manifest.json')
    writeFileSync(damaged, '{}')
    await expect(loadDetector(saved, makeMethod, open)).rejects.toMatchObject({ code: 'E_CHECKSUM' })
    writeFileSync(join(saved, 'models', readdirSync(join(saved, 'models'))[1]!, 'other'), '')
    await saveDetector(second.ratio, saved, { models: second.models })
    expect((await loadDetector(saved, makeMethod, open)).threshold).toBe(second.ratio.threshold)
  })

  it('never touches a folder of other things, and takes an empty one', async () => {
    const folder = temporary()
    const { ratio, models } = await fittedRatio(folder)
    await expect(saveDetector(ratio, folder, { models })).rejects.toThrow(
      'expected a new folder or a stored detector, got a folder with background-0',
    )
    expect(readdirSync(folder).sort()).toEqual(['background-0', 'semantic-0'])
    // Empty, or what a save killed in an empty folder leaves.
    mkdirSync(join(folder, 'empty', 'models', 'partial-0123456789ab'), { recursive: true })
    await saveDetector(ratio, join(folder, 'empty'), { models })
    expect((await loadDetector(join(folder, 'empty'), makeMethod, open)).threshold).toBe(ratio.threshold)
    writeFileSync(join(folder, 'file'), '')
    await expect(saveDetector(ratio, join(folder, 'file'), { models })).rejects.toMatchObject({ code: 'E_FILE' })
  })

  it('removes leftovers of killed saves an hour later, and only those', async () => {
    const folder = temporary()
    const { ratio, models } = await fittedRatio(folder)
    const old = join(folder, 'saved.partial-0123456789ab')
    const young = join(folder, 'saved.partial-0123456789ac')
    const foreign = join(folder, 'saved.partial-mine')
    for (const path of [old, young, foreign]) mkdirSync(path)
    const hours = new Date(Date.now() - 2 * 3_600_000)
    utimesSync(old, hours, hours)
    utimesSync(foreign, hours, hours)
    await saveDetector(ratio, join(folder, 'saved'), { models })
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([
      'saved.partial-0123456789ac',
      'saved.partial-mine',
    ])
  })
})

describe('links', () => {
  it('name models where they are, by relative path, and need a root to be followed', async () => {
    const folder = temporary()
    const { ratio, models } = await fittedRatio(folder)
    const saved = join(folder, 'detectors', 'saved')
    await saveDetector(ratio, saved, { models, link: true })
    expect(readdirSync(saved)).toEqual(['detector.json'])
    const { modelFolders: entries } = JSON.parse(readFileSync(join(saved, 'detector.json'), 'utf8'))
    expect(entries.semantic.link).toBe('../../semantic-0')
    await expect(loadDetector(saved, makeMethod, open)).rejects.toThrow(
      'model semantic: expected root, the folder that linked models may lie in, got none',
    )
    await expect(loadDetector(saved, makeMethod, { ...open, root: join(folder, 'detectors') })).rejects.toThrow(
      '../../semantic-0, which leads out of it',
    )
    const loaded = await loadDetector(saved, makeMethod, { ...open, root: folder })
    const x = sample(10, 4)
    expect(await loaded.predict(x, seed)).toEqual(await ratio.predict(x, seed))
    // Saved again, now with copies; then links again.
    await saveDetector(ratio, saved, { models })
    expect(readdirSync(saved)).toEqual(['detector.json', 'models'])
    await saveDetector(ratio, saved, { models, link: true })
    expect((await loadDetector(saved, makeMethod, { ...open, root: folder })).threshold).toBe(ratio.threshold)
    writeFileSync(join(models.background, 'manifest.json'), '{"sd": [2, 2.0]}')
    await expect(loadDetector(saved, makeMethod, { ...open, root: folder })).rejects.toMatchObject({
      code: 'E_CHECKSUM',
    })
  })
})

describe('folders that are not what they say', () => {
  const saved = async () => {
    const folder = temporary()
    const { ratio, models } = await fittedRatio(folder)
    const path = join(folder, 'saved')
    await saveDetector(ratio, path, { models })
    return { folder, path, file: join(path, 'detector.json') }
  }
  const refused = (path: string) => expect(loadDetector(path, makeMethod, open)).rejects

  it('lack files or hold other bytes', async () => {
    const { folder, path, file } = await saved()
    await refused(join(folder, 'nowhere')).toThrow('detector.json: expected a readable file, got nothing there')
    const [model] = readdirSync(join(path, 'models'))
    const weights = join(path, 'models', model!, 'graphs', 'mean.bin')
    const bytes = readFileSync(weights)
    writeFileSync(weights, bytes.subarray(1))
    await refused(path).toMatchObject({ code: 'E_CHECKSUM' })
    writeFileSync(weights, bytes)
    const extra = join(path, 'models', model!, 'graphs', 'extra.onnx')
    writeFileSync(extra, '')
    await refused(path).toThrow(`${extra}: expected a file that detector.json lists, got one it does not`)
    rmSync(extra)
    rmSync(weights)
    await refused(path).toThrow('mean.bin: expected a readable file, got nothing there')
    writeFileSync(file, '{"schemaVersion": 1,')
    await refused(path).toThrow('detector.json: expected JSON, got')
    writeFileSync(file, Uint8Array.of(0xff, 0xfe))
    await refused(path).toThrow('detector.json: expected JSON, got')
    writeFileSync(file, '[]')
    await refused(path).toThrow('detector.json: expected an object, got []')
    writeFileSync(file, JSON.stringify({ pad: 'x'.repeat(1000) }))
    await expect(loadDetector(path, makeMethod, { ...open, maxBytes: 1000 })).rejects.toThrow(
      'expected at most 1000 bytes',
    )
    rmSync(file)
    mkdirSync(file)
    await refused(path).toThrow('expected a file, got a folder')
  })

  it('name wrong fields', async () => {
    const { path, file } = await saved()
    const whole = readFileSync(file, 'utf8')
    const cases: [object, string][] = [
      [{ schemaVersion: 1 }, 'detector state schemaVersion: expected 2, got 1'],
      [{ format: 'x' }, 'detector state format: expected ood-detector, got x'],
      [{ version: 7 }, 'detector state version: expected text, got 7'],
      [{ fit: { spread: 0 } }, 'detector state fit.spread: expected a positive number, got 0'],
      [{ method: { name: 'Ratio', settings: 1 } }, 'detector state method.settings: expected an object, got 1'],
      [{ models: { semantic: 1 } }, 'detector state models.semantic: expected text, got 1'],
      [{ threshold: 'high' }, 'detector state threshold: expected a finite number or null, got high'],
      [{ outlierType: 'pixel' }, 'detector state outlierType: expected instance or feature, got pixel'],
      [{ dataType: 4 }, 'detector state dataType: expected text or null, got 4'],
      [{ referenceOf: 1 }, 'detector state referenceOf: expected training or threshold or calibration, got 1'],
      [{ reference: [1] }, 'detector state reference: expected base64 text'],
      [{ reference: 'AAAA' }, 'detector state reference: expected float64 numbers (8 bytes each), got 3 bytes'],
      [{ reference: '€' }, 'detector state reference: expected base64'],
      [{ reference: 'AAAAAAAA+H8=' }, 'detector state reference: expected numbers, got NaN'],
      [{ data: { shape: [0] } }, 'detector state data.shape: expected sizes or null'],
      [{ data: { shape: null, valueRange: [1, 0] } }, 'detector state data.valueRange'],
      [{ data: { shape: null, valueRange: [0, 1], rangeSource: null } }, 'detector state data.rangeSource'],
      [{ modelFolders: undefined }, 'modelFolders: expected an object, got undefined'],
      [{ modelFolders: { 'a/b': {} } }, 'modelFolders: expected roles of letters, digits, dots and dashes, got a/b'],
      [{ modelFolders: { semantic: { files: {} } } }, 'semantic: expected either folder or link, got neither'],
      [{ modelFolders: { semantic: { folder: 'x', files: {} } } }, 'semantic.files: expected 1 to 1000 files, got 0'],
      [
        { modelFolders: { semantic: { folder: 'x', files: { a: 'F' } } } },
        'files a: expected 64 lower-case hex digits, got F',
      ],
      [
        { modelFolders: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`m${i}`, {}])) },
        'modelFolders: expected at most 64 models, got 65',
      ],
    ]
    for (const [change, message] of cases) {
      writeFileSync(file, JSON.stringify({ ...JSON.parse(whole), ...change }))
      await refused(path).toMatchObject({ code: 'E_FILE', message: expect.stringContaining(message) })
    }
  })

  it('of another version are read with a warning', async () => {
    const { path, file } = await saved()
    const lines: string[] = []
    const onWarning = (line: string) => lines.push(line)
    await loadDetector(path, makeMethod, { ...open, onWarning })
    expect(lines).toEqual([])
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), version: '0.0.9' }))
    await loadDetector(path, makeMethod, { ...open, onWarning })
    expect(lines).toEqual([`${file}: written by version 0.0.9, read by 0.1.0`])
  })

  it('lead out of the folder', async () => {
    const { folder, path, file } = await saved()
    const secret = writeModel(join(folder, 'secret'), [0, 0], [1, 1])
    const entry = (change: (entry: Entry) => void) => edit(file, ({ modelFolders }) => change(modelFolders.semantic!))
    const whole = readFileSync(file, 'utf8')
    const hash = '0'.repeat(64)
    for (const place of ['../secret', secret, 'models\\x', 'C:x', 'models/\0', '']) {
      entry((semantic) => {
        semantic.folder = place
      })
      await refused(path).toMatchObject({ code: 'E_FILE', message: expect.stringContaining('model semantic') })
      writeFileSync(file, whole)
    }
    entry((semantic) => {
      semantic.files = { '../../../secret/manifest.json': hash }
    })
    await refused(path).toThrow('files: expected a file name inside the folder, got ../../../secret/manifest.json')
    writeFileSync(file, whole)
    symlinkSync(secret, join(path, 'models', 'linked'))
    entry((semantic) => {
      semantic.folder = 'models/linked'
    })
    await refused(path).toThrow('models/linked, which leads out of it')
    rmSync(file)
    symlinkSync(join(secret, 'manifest.json'), file)
    await refused(path).toThrow('which leads out of it')
  })
})

describe('models that cannot be saved', () => {
  it('are refused and leave nothing behind', async () => {
    const folder = temporary()
    const { ratio, models } = await fittedRatio(folder)
    const save = (roles: Record<string, string>) => saveDetector(ratio, join(folder, 'saved'), { models: roles })
    await expect(save({})).rejects.toThrow(
      'saveDetector models: expected a folder for each of semantic, background, got none',
    )
    await expect(save({ 'a b': models.semantic })).rejects.toThrow(
      'model role: expected letters, digits, dots and dashes',
    )
    await expect(save({ ...models, semantic: join(folder, 'none') })).rejects.toThrow(
      'expected a readable folder, got nothing there',
    )
    mkdirSync(join(folder, 'void'))
    await expect(save({ ...models, semantic: join(folder, 'void') })).rejects.toThrow('got one without files')
    symlinkSync(join(folder, 'elsewhere'), join(models.semantic, 'link'))
    await expect(save(models)).rejects.toThrow('expected a regular file of a model folder, got a link')
    expect(readdirSync(folder).sort()).toEqual(['background-0', 'semantic-0', 'void'])
  })
})
