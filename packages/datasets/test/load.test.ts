// loadDataset from folders and loadSample from the package: names, layouts, subsets, checks, and the real files.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { sharedPath } from '../../../tools/shared.ts'
import { cacheFolder, datasetNames, loadDataset, loadSample, readIdx, writeIdx } from '../src/index.ts'
import { chooseRows } from '../src/registry/rows.ts'
import { expectError, expectSameBytes, fixture, temporaryFolder } from './helpers.ts'

/** A data folder with ten 2 x 2 images: pixel values say which. */
async function smallFolder(layout: string, gz: boolean): Promise<string> {
  const folder = await temporaryFolder()
  const end = gz ? '.gz' : ''
  await mkdir(join(folder, layout), { recursive: true })
  const data = Uint8Array.from({ length: 40 }, (_, i) => i)
  await writeIdx(join(folder, layout, `t10k-images-idx3-ubyte${end}`), { data, shape: [10, 2, 2] })
  const labels = Uint8Array.from({ length: 10 }, (_, i) => 9 - i)
  await writeIdx(join(folder, layout, `t10k-labels-idx1-ubyte${end}`), { data: labels, shape: [10] })
  return folder
}

const small = { split: 'test', verify: false, offline: true } as const

describe('loadDataset', () => {
  it('reads gzipped and raw files in either layout, with rows in the order asked for', async () => {
    for (const [name, layout, gz] of [
      ['mnist', 'mnist', true],
      ['fmnist', 'fashion-mnist', false],
      ['fashion-mnist', 'FashionMNIST/raw', true],
    ] as const) {
      const dataDir = await smallFolder(layout, gz)
      const set = await loadDataset(name, { ...small, dataDir, indices: [7, 0] })
      expect([set.name, set.split]).toEqual([layout.startsWith('m') ? 'mnist' : 'fashion-mnist', 'test'])
      expect(set.images.shape).toEqual([2, 1, 2, 2])
      expect([...set.images.data]).toEqual([28, 29, 30, 31, 0, 1, 2, 3])
      expect([...set.labels]).toEqual([2, 9])
      expect([...set.indices]).toEqual([7, 0])
      expect(set.classes).toHaveLength(10)
    }
  })

  it('takes OOD_DATA_DIR when no folder is named', async () => {
    vi.stubEnv('OOD_DATA_DIR', await smallFolder('mnist', true))
    onTestFinished(() => {
      vi.unstubAllEnvs()
    })
    expect((await loadDataset('mnist', small)).images.shape).toEqual([10, 1, 2, 2])
  })

  it('checks the contents unless told not to', async () => {
    const dataDir = await smallFolder('mnist', true)
    await expectError(
      loadDataset('mnist', { ...small, dataDir, verify: true }),
      'E_CHECKSUM',
      /t10k-labels-idx1-ubyte\.gz: expected contents with SHA-256 ff7bcf/,
    )
  })

  it('refuses unknown names, splits and rows', async () => {
    expect(datasetNames).toEqual(['mnist', 'fashion-mnist', 'omniglot'])
    await expectError(
      loadDataset('minst'),
      'E_UNKNOWN_NAME',
      /data set: expected one of mnist, fashion-mnist, omniglot, fmnist, .*got minst/,
    )
    await expectError(loadDataset('mnist', { split: 'valid' as 'test' }), 'E_UNKNOWN_NAME', /split: .* got valid/)
    const dataDir = await smallFolder('mnist', true)
    await expectError(loadDataset('mnist', { ...small, dataDir, indices: [10] }), 'E_ARGUMENT', /rows 0\.\.9, got 10/)
    await expectError(loadDataset('mnist', { ...small, dataDir, limit: 0 }), 'E_ARGUMENT', /limit: expected a positive/)
    await expectError(
      loadDataset('mnist', { ...small, dataDir, limit: 1, indices: [1] }),
      'E_ARGUMENT',
      /either indices or limit/,
    )
  })

  it('has the last training images, at most a tenth, as validation split', async () => {
    const dataDir = await smallFolder('mnist', true)
    const folder = join(dataDir, 'mnist')
    const data = Uint8Array.from({ length: 35 * 4 }, (_, i) => Math.floor(i / 4))
    await writeIdx(join(folder, 'train-images-idx3-ubyte'), { data, shape: [35, 2, 2] })
    const labels = Uint8Array.from({ length: 35 }, (_, i) => i % 10)
    await writeIdx(join(folder, 'train-labels-idx1-ubyte'), { data: labels, shape: [35] })
    const load = (rest: object) => loadDataset('mnist', { ...small, dataDir, split: 'validation', ...rest })
    const all = await load({})
    expect(all.split).toBe('validation')
    expect([...all.images.data.filter((_, i) => i % 4 === 0)]).toEqual([32, 33, 34])
    expect([...all.labels]).toEqual([2, 3, 4])
    expect([...all.indices]).toEqual([0, 1, 2])
    const last = await load({ indices: [2] })
    expect([last.images.data[0], last.labels[0], last.indices[0]]).toEqual([34, 4, 2])
    expect((await load({ limit: 2, seed: 3 })).indices).toHaveLength(2)
    await expectError(load({ indices: [3] }), 'E_ARGUMENT', /rows 0\.\.2, got 3/)
    // The training split is the official file, whole.
    expect((await load({ split: 'train' })).indices).toHaveLength(35)
  })

  it('names a broken file', async () => {
    const dataDir = await smallFolder('mnist', true)
    const path = join(dataDir, 'mnist', 't10k-images-idx3-ubyte.gz')
    await writeFile(path, (await readFile(path)).subarray(0, 30))
    await expectError(
      loadDataset('mnist', { ...small, dataDir }),
      'E_FILE',
      /t10k-images-idx3-ubyte\.gz: expected a whole/,
    )
  })
})

describe('subsets', () => {
  it('are the same in every run, nested, without repeats, and differ by seed', () => {
    const large = chooseRows(1000, { limit: 100, seed: 42 })
    expect([...chooseRows(1000, { limit: 40, seed: 42 })]).toEqual([...large.subarray(0, 40)])
    expect(new Set(large).size).toBe(100)
    expect([...chooseRows(1000, { limit: 100, seed: 43 })]).not.toEqual([...large])
    expect([...chooseRows(1000, { limit: 100 })]).toEqual([...chooseRows(1000, { limit: 100, seed: 0 })])
    expect(chooseRows(5, { limit: 100 }).slice().sort()).toEqual(Int32Array.of(0, 1, 2, 3, 4))
  })
})

describe('cacheFolder', () => {
  it('follows the option, OOD_CACHE_DIR, an absolute XDG_CACHE_HOME, then the home folder', () => {
    onTestFinished(() => {
      vi.unstubAllEnvs()
    })
    vi.stubEnv('HOME', '/home/someone')
    vi.stubEnv('OOD_CACHE_DIR', '')
    vi.stubEnv('XDG_CACHE_HOME', 'relative')
    expect(cacheFolder()).toBe('/home/someone/.cache/ood')
    vi.stubEnv('XDG_CACHE_HOME', '/var/cache')
    expect(cacheFolder()).toBe('/var/cache/ood')
    vi.stubEnv('OOD_CACHE_DIR', '/data/ood')
    expect(cacheFolder()).toBe('/data/ood')
    expect(cacheFolder('/elsewhere')).toBe('/elsewhere')
  })
})

describe('loadSample', () => {
  it('loads 512 images of each side, the classes in balance', async () => {
    for (const name of ['mnist', 'fmnist']) {
      const train = await loadSample(name, 'train')
      const test = await loadSample(name, 'test')
      for (const set of [train, test]) {
        expect(set.images.shape).toEqual([512, 1, 28, 28])
        expect(new Set(set.labels).size).toBe(10)
        expect(set.images.data.reduce((a, b) => Math.max(a, b), 0)).toBe(255)
        expect(set.images.data.every((v) => Number.isInteger(v) && v >= 0)).toBe(true)
        expect(new Set(set.indices).size).toBe(512)
      }
      const key = (set: typeof train, row: number): string =>
        set.images.data.subarray(784 * row, 784 * row + 784).join()
      const seen = new Set(Array.from({ length: 512 }, (_, row) => key(train, row)))
      for (let row = 0; row < 512; row++) expect(seen.has(key(test, row))).toBe(false)
    }
  })

  it('holds exactly the images the training project excludes and samples', async () => {
    const lists = new URL('../../../training/ood_training/', import.meta.url)
    const json = async (name: string) => JSON.parse(await readFile(new URL(name, lists), 'utf8'))
    const mnist = await json('mnist_heldout.json')
    const fashion = await json('fmnist_sample.json')
    expect([...(await loadSample('mnist', 'test')).indices]).toEqual(mnist.heldout)
    expect([...(await loadSample('mnist', 'train')).indices]).toEqual(mnist.trainSample)
    expect([...(await loadSample('fashion-mnist', 'train')).indices]).toEqual(fashion.trainSample)
    expect([...(await loadSample('fashion-mnist', 'test')).indices]).toEqual(fashion.testSample)
    expect(mnist.heldout.filter((row: number) => mnist.trainSample.includes(row))).toEqual([])
  })

  it('takes subsets as loadDataset does', async () => {
    const some = await loadSample('mnist', 'test', { limit: 8, seed: 1 })
    const more = await loadSample('mnist', 'test', { limit: 16, seed: 1 })
    expect(some.images.shape).toEqual([8, 1, 28, 28])
    expectSameBytes(more.images.data.subarray(0, 8 * 784), some.images.data)
    expect((await loadSample('mnist', 'test', { indices: [511] })).images.shape[0]).toBe(1)
    await expectError(loadSample('mnist', 'test', { indices: [512] }), 'E_ARGUMENT', /rows 0\.\.511/)
    await expectError(loadSample('omniglot', 'test'), 'E_UNKNOWN_NAME', /sample: .* got omniglot test/)
    await expectError(loadSample('nothing', 'test'), 'E_UNKNOWN_NAME', /data set/)
  })

  it('names licence and source of every file', async () => {
    const folder = fixture('..', '..', 'sample-data')
    const { samples } = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'))
    expect(samples).toHaveLength(4)
    for (const sample of samples) {
      expect(sample.source).toMatch(/MIT|CC BY-SA 3\.0/)
      expect((await readIdx(join(folder, sample.labels.file))).shape).toEqual([512])
    }
    expect(await readFile(join(folder, 'LICENSES.md'), 'utf8')).toMatch(/CC BY-SA 3\.0/)
  })
})

const data = sharedPath('data')
describe.skipIf(!data)(`the real files${data ? '' : ' (skipped: ../shared is not there)'}`, () => {
  it('hold the sample images byte for byte', async () => {
    for (const [name, split, officialSplit] of [
      ['mnist', 'train', 'train'],
      ['mnist', 'test', 'train'],
      ['fashion-mnist', 'train', 'train'],
      ['fashion-mnist', 'test', 'test'],
    ] as const) {
      const sample = await loadSample(name, split)
      const official = await loadDataset(name, { split: officialSplit, indices: sample.indices, dataDir: data! })
      expectSameBytes(official.images.data, sample.images.data)
      expectSameBytes(official.labels, sample.labels)
    }
  })

  it('end their training files with the validation images', async () => {
    const held = await loadDataset('fmnist', { split: 'validation', dataDir: data! })
    const rows = Array.from({ length: 2000 }, (_, i) => 58_000 + i)
    const official = await loadDataset('fmnist', { split: 'train', dataDir: data!, indices: rows })
    expectSameBytes(held.images.data, official.images.data)
    expectSameBytes(held.labels, official.labels)
  })

  it('give Omniglot bright strokes on black, disjoint splits of 4,840 images', async () => {
    const train = await loadDataset('omniglot', { dataDir: data!, limit: 50 })
    expect(train.images.shape).toEqual([50, 1, 28, 28])
    expect(train.classes).toHaveLength(242)
    expect(train.classes[0]).toBe('Balinese/character01')
    const mean = train.images.data.reduce((sum, v) => sum + v, 0) / train.images.data.length
    // Strokes cover well under a fifth of a character's square.
    expect(mean).toBeGreaterThan(5)
    expect(mean).toBeLessThan(50)
    const last = async (split: 'train' | 'test', row: number) =>
      loadDataset('omniglot', { dataDir: data!, split, indices: [row] })
    expect((await last('train', 4355)).images.shape[0]).toBe(1)
    expect((await last('test', 483)).images.shape[0]).toBe(1)
    await expectError(last('test', 484), 'E_ARGUMENT', /rows 0\.\.483/)
    const held = await loadDataset('omniglot', { dataDir: data!, split: 'validation' })
    expect(held.images.shape[0]).toBe(435)
    // Drawn from all alphabets, not the last of them.
    expect(new Set(held.labels).size).toBeGreaterThan(150)
  })
})
