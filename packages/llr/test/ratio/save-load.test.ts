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
import { describe, expect, it } from 'vitest'
import { likelihoodRatioFromJSON, negativeLogLikelihood, typicality, waic } from '../../src/index.ts'
import { loadDetector, openDetectorFolder, saveDetector } from '../../src/node.ts'
import { fittedRatio, openGaussian, sample, temporary, writeModel } from './stored.ts'

const seed = { seed: 3 }
interface Entry {
  folder: string
  files: Record<string, string>
}
const edit = (file: string, change: (manifest: { models: Record<string, Entry> }) => void) => {
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  change(manifest)
  writeFileSync(file, JSON.stringify(manifest))
}

describe('round trip', () => {
  it('gives the same predictions to the last bit, after the folder has moved', async () => {
    const folder = temporary()
    const { detector, models } = await fittedRatio(folder)
    await saveDetector(detector, join(folder, 'saved'), { models })
    renameSync(join(folder, 'saved'), join(folder, 'moved'))
    rmSync(models.semantic, { recursive: true })
    const opened: [string, string][] = []
    const loaded = await loadDetector(join(folder, 'moved'), (path, role) => {
      opened.push([path, role])
      return openGaussian(path)
    })
    expect(opened.map(([, role]) => role)).toEqual(['semantic', 'background'])
    expect(opened.every(([path]) => path.includes(join('moved', 'models')))).toBe(true)
    const x = sample(100, 9)
    expect(loaded.name).toBe('LLR')
    expect(await loaded.predict(x, seed)).toEqual(await detector.predict(x, seed))
    expect(JSON.stringify(loaded)).toBe(JSON.stringify(detector))
    expect(readdirSync(folder).sort()).toEqual(['background-0', 'moved'])
  })

  it('keeps every setting, infinite scores of calibration and unfitted detectors', async () => {
    const folder = temporary()
    const { detector, models } = await fittedRatio(folder)
    const opened = { semantic: openGaussian(models.semantic), background: openGaussian(models.background) }
    const state = {
      ...detector.toJSON(),
      convention: 'mean',
      impossible: 'outlier',
      compat: 'reference',
      dataType: null,
      calibration: Buffer.from(
        Float64Array.of(Number.NEGATIVE_INFINITY, -0.1, 5e-324, Number.POSITIVE_INFINITY).buffer,
      ).toString('base64'),
    }
    const odd = likelihoodRatioFromJSON(JSON.parse(JSON.stringify(state)), opened)
    await saveDetector(odd, join(folder, 'odd'), { models })
    const back = await loadDetector(join(folder, 'odd'), openGaussian)
    expect(JSON.parse(JSON.stringify(back))).toEqual(state)
    expect([...back.calibrationScores!]).toEqual([Number.NEGATIVE_INFINITY, -0.1, 5e-324, Number.POSITIVE_INFINITY])
    const fresh = negativeLogLikelihood(opened.semantic)
    await saveDetector(fresh, join(folder, 'fresh'), { models: { model: models.semantic } })
    const unfitted = await loadDetector(join(folder, 'fresh'), openGaussian)
    expect([unfitted.name, unfitted.threshold, unfitted.calibrationScores]).toEqual([
      'NegativeLogLikelihood',
      null,
      null,
    ])
  })

  it('still refuses other data', async () => {
    const folder = temporary()
    const { detector, models } = await fittedRatio(folder)
    await saveDetector(detector, join(folder, 'saved'), { models })
    const loaded = await loadDetector(join(folder, 'saved'), openGaussian)
    const wide = sample(6, 1)
    wide.shape = [4, 3]
    await expect(loaded.score(wide)).rejects.toThrow('LLR data: expected rows of shape [2], got [3]')
    const far = sample(2, 1)
    far.set(1, 0, 255)
    await expect(loaded.score(far)).rejects.toThrow('got 255 in row 1')
  })

  it('works for every detector over models, and says what it cannot restore', async () => {
    const folder = temporary()
    const { models } = await fittedRatio(folder)
    const model = openGaussian(models.semantic)
    const other = openGaussian(models.background)
    const typical = typicality(model)
    await typical.fit(sample(50, 1), seed)
    const ensemble = waic([model, other, model], { variance: 'sample' })
    await ensemble.inferThreshold(sample(50, 2), 0.1, seed)
    const { semantic, background } = models
    await saveDetector(typical, join(folder, 'typical'), { models: { model: semantic } })
    const members = { 'model-0': semantic, 'model-1': background, 'model-2': semantic }
    await saveDetector(ensemble, join(folder, 'waic'), { models: members })
    // The first and the last are the same folder, stored once.
    expect(readdirSync(join(folder, 'waic', 'models')).length).toBe(2)
    const x = sample(20, 3)
    for (const [name, detector] of [
      ['typical', typical],
      ['waic', ensemble],
    ] as const) {
      const loaded = await loadDetector(join(folder, name), openGaussian)
      expect(await loaded.predict(x, seed)).toEqual(await detector.predict(x, seed))
    }
    const own = { name: 'Own', toJSON: () => ({ name: 'Own', anything: [1, 2] }) }
    await saveDetector(own, join(folder, 'own'), { models: { model: semantic } })
    await expect(loadDetector(join(folder, 'own'), openGaussian)).rejects.toThrow(
      'stored detector: expected one of LLR, NegativeLogLikelihood, Typicality, WAIC, got Own',
    )
    const { state, models: found } = await openDetectorFolder(join(folder, 'own'), openGaussian)
    expect([state, Object.keys(found)]).toEqual([{ name: 'Own', anything: [1, 2] }, ['model']])
    await saveDetector(typical, join(folder, 'wrong'), { models: { semantic } })
    await expect(loadDetector(join(folder, 'wrong'), openGaussian)).rejects.toThrow(
      'models of Typicality: expected a model model, got semantic',
    )
  })

  it('releases the models: at the end, and when a later one does not open', async () => {
    const folder = temporary()
    const { detector, models } = await fittedRatio(folder)
    await saveDetector(detector, join(folder, 'saved'), { models })
    const opened: ReturnType<typeof openGaussian>[] = []
    const open = (path: string) => {
      opened.push(openGaussian(path))
      return opened.at(-1)!
    }
    await (await loadDetector(join(folder, 'saved'), open)).release()
    expect(opened.map((model) => model.released)).toEqual([1, 1])
    const fails = (path: string, role: string) => {
      if (role === 'background') throw new Error('no memory')
      return open(path)
    }
    await expect(loadDetector(join(folder, 'saved'), fails)).rejects.toThrow('no memory')
    expect(opened[2]!.released).toBe(1)
  })
})

describe('saving over a detector', () => {
  it('replaces it whole and removes models nobody names', async () => {
    const folder = temporary()
    const first = await fittedRatio(folder, 0)
    const second = await fittedRatio(folder, 1)
    const saved = join(folder, 'saved')
    await saveDetector(first.detector, saved, { models: first.models })
    await saveDetector(second.detector, saved, { models: second.models })
    const x = sample(10, 4)
    const loaded = await loadDetector(saved, openGaussian)
    expect(await loaded.predict(x, seed)).toEqual(await second.detector.predict(x, seed))
    expect(readdirSync(join(saved, 'models')).length).toBe(2)
    expect(readdirSync(saved).sort()).toEqual(['detector.json', 'models'])
    // A damaged model of the same hash is written anew.
    const damaged = join(saved, 'models', readdirSync(join(saved, 'models'))[0]!, 'manifest.json')
    writeFileSync(damaged, '{}')
    await expect(loadDetector(saved, openGaussian)).rejects.toMatchObject({ code: 'E_CHECKSUM' })
    await saveDetector(second.detector, saved, { models: second.models })
    expect((await loadDetector(saved, openGaussian)).threshold).toBe(second.detector.threshold)
  })

  it('never touches a folder of other things, and takes an empty one', async () => {
    const folder = temporary()
    const { detector, models } = await fittedRatio(folder)
    await expect(saveDetector(detector, folder, { models })).rejects.toThrow(
      'expected a new folder or a stored detector, got a folder with background-0',
    )
    expect(readdirSync(folder).sort()).toEqual(['background-0', 'semantic-0'])
    // Empty, or what a save killed in an empty folder leaves.
    mkdirSync(join(folder, 'empty', 'models', 'partial-0123456789ab'), { recursive: true })
    await saveDetector(detector, join(folder, 'empty'), { models })
    expect((await loadDetector(join(folder, 'empty'), openGaussian)).threshold).toBe(detector.threshold)
    writeFileSync(join(folder, 'file'), '')
    await expect(saveDetector(detector, join(folder, 'file'), { models })).rejects.toMatchObject({ code: 'E_FILE' })
  })

  it('removes leftovers of killed saves an hour later, and only those', async () => {
    const folder = temporary()
    const { detector, models } = await fittedRatio(folder)
    const old = join(folder, 'saved.partial-0123456789ab')
    const young = join(folder, 'saved.partial-0123456789ac')
    const foreign = join(folder, 'saved.partial-mine')
    for (const path of [old, young, foreign]) mkdirSync(path)
    const hours = new Date(Date.now() - 2 * 3_600_000)
    utimesSync(old, hours, hours)
    utimesSync(foreign, hours, hours)
    await saveDetector(detector, join(folder, 'saved'), { models })
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([
      'saved.partial-0123456789ac',
      'saved.partial-mine',
    ])
  })
})

describe('links', () => {
  it('name models where they are, by relative path, and need a root to be followed', async () => {
    const folder = temporary()
    const { detector, models } = await fittedRatio(folder)
    const saved = join(folder, 'detectors', 'saved')
    await saveDetector(detector, saved, { models, link: true })
    expect(readdirSync(saved)).toEqual(['detector.json'])
    const { models: entries } = JSON.parse(readFileSync(join(saved, 'detector.json'), 'utf8'))
    expect(entries.semantic.link).toBe('../../semantic-0')
    await expect(loadDetector(saved, openGaussian)).rejects.toThrow(
      'models.semantic: expected root, the folder that linked models may lie in, got none',
    )
    await expect(loadDetector(saved, openGaussian, { root: join(folder, 'detectors') })).rejects.toThrow(
      '../../semantic-0, which leads out of it',
    )
    const loaded = await loadDetector(saved, openGaussian, { root: folder })
    const x = sample(10, 4)
    expect(await loaded.predict(x, seed)).toEqual(await detector.predict(x, seed))
    // Saved again, now with copies; then links again.
    await saveDetector(detector, saved, { models })
    expect(readdirSync(saved)).toEqual(['detector.json', 'models'])
    await saveDetector(detector, saved, { models, link: true })
    expect((await loadDetector(saved, openGaussian, { root: folder })).threshold).toBe(detector.threshold)
    writeFileSync(join(models.background, 'manifest.json'), '{"sd": [2, 2.0]}')
    await expect(loadDetector(saved, openGaussian, { root: folder })).rejects.toMatchObject({ code: 'E_CHECKSUM' })
  })
})

describe('folders that are not what they say', () => {
  const saved = async () => {
    const folder = temporary()
    const { detector, models } = await fittedRatio(folder)
    const path = join(folder, 'saved')
    await saveDetector(detector, path, { models })
    return { folder, path, file: join(path, 'detector.json') }
  }
  const refused = (path: string) => expect(loadDetector(path, openGaussian)).rejects

  it('lack files or hold other bytes', async () => {
    const { folder, path, file } = await saved()
    await refused(join(folder, 'nowhere')).toThrow('detector.json: expected a readable file, got nothing there')
    const [model] = readdirSync(join(path, 'models'))
    const weights = join(path, 'models', model!, 'graphs', 'mean.bin')
    const bytes = readFileSync(weights)
    writeFileSync(weights, bytes.subarray(1))
    await refused(path).toMatchObject({ code: 'E_CHECKSUM' })
    rmSync(weights)
    await refused(path).toThrow('mean.bin: expected a readable file, got nothing there')
    writeFileSync(file, '{"schemaVersion": 1,')
    await refused(path).toThrow('detector.json: expected JSON, got')
    writeFileSync(file, Uint8Array.of(0xff, 0xfe))
    await refused(path).toThrow('detector.json: expected JSON, got')
    writeFileSync(file, '[]')
    await refused(path).toThrow('detector.json: expected an object, got []')
    writeFileSync(file, JSON.stringify({ pad: 'x'.repeat(1000) }))
    await expect(loadDetector(path, openGaussian, { maxBytes: 1000 })).rejects.toThrow('expected at most 1000 bytes')
    rmSync(file)
    mkdirSync(file)
    await refused(path).toThrow('expected a file, got a folder')
  })

  it('name wrong fields', async () => {
    const { path, file } = await saved()
    const whole = readFileSync(file, 'utf8')
    const cases: [object, string][] = [
      [{ schemaVersion: 2 }, 'detector state schemaVersion: expected 1, got 2'],
      [{ version: 7 }, 'detector state version: expected text, got 7'],
      [{ threshold: 'high' }, 'detector state threshold: expected a finite number or null, got high'],
      [{ outlierType: 'pixel' }, 'detector state outlierType: expected instance or feature, got pixel'],
      [{ convention: 'max' }, 'detector state convention: expected sum or mean, got max'],
      [{ impossible: 1 }, 'detector state impossible: expected error or outlier, got 1'],
      [{ compat: 'yes' }, 'detector state compat: expected reference or null, got yes'],
      [{ dataType: 4 }, 'detector state dataType: expected text or null, got 4'],
      [{ calibrated: 1 }, 'detector state calibrated: expected true or false, got 1'],
      [{ calibration: [1] }, 'detector state calibration: expected base64 text or null'],
      [{ calibration: 'AAAA' }, 'detector state calibration: expected float64 numbers (8 bytes each), got 3 bytes'],
      [{ calibration: '€' }, 'detector state calibration: expected base64'],
      [{ calibration: 'AAAAAAAA+H8=' }, 'detector state calibration: expected numbers, got NaN'],
      [{ data: { shape: [0] } }, 'detector state data.shape: expected sizes or null'],
      [{ data: { shape: null, valueRange: [1, 0] } }, 'detector state data.valueRange'],
      [{ data: { shape: null, valueRange: [0, 1], rangeSource: null } }, 'detector state data.rangeSource'],
      [{ models: {} }, 'models: expected 1 to 64 models, got 0'],
      [{ models: { 'a/b': {} } }, 'models: expected roles of letters, digits and dashes, got a/b'],
      [{ models: { semantic: { files: {} } } }, 'models.semantic: expected either folder or link, got neither'],
      [{ models: { semantic: { folder: 'x', files: {} } } }, 'models.semantic.files: expected 1 to 1000 files, got 0'],
      [
        { models: { semantic: { folder: 'x', files: { a: 'F' } } } },
        'files a: expected 64 lower-case hex digits, got F',
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
    await loadDetector(path, openGaussian, { onWarning })
    expect(lines).toEqual([])
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), version: '0.0.9' }))
    await loadDetector(path, openGaussian, { onWarning })
    expect(lines).toEqual([`${file}: written by version 0.0.9, read by 0.1.0`])
  })

  it('lead out of the folder', async () => {
    const { folder, path, file } = await saved()
    const secret = writeModel(join(folder, 'secret'), [0, 0], [1, 1])
    const entry = (change: (entry: Entry) => void) => edit(file, ({ models }) => change(models.semantic!))
    const whole = readFileSync(file, 'utf8')
    const hash = '0'.repeat(64)
    for (const place of ['../secret', secret, 'models\\x', 'C:x', 'models/\0', '']) {
      entry((semantic) => {
        semantic.folder = place
      })
      await refused(path).toMatchObject({ code: 'E_FILE', message: expect.stringContaining('models.semantic') })
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
    const { detector, models } = await fittedRatio(folder)
    const save = (roles: Record<string, string>) => saveDetector(detector, join(folder, 'saved'), { models: roles })
    await expect(save({})).rejects.toThrow('saveDetector models: expected a folder for each model, got none')
    await expect(save({ 'a b': models.semantic })).rejects.toThrow('model role: expected letters, digits and dashes')
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
