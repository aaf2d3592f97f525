// `ood check-model` on models with one mistake each: the mistake is found, named and mended.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type CheckModelOptions, checkModel } from '../../src/command/check-model/check.ts'
import { checkText } from '../../src/command/check-model/report.ts'
import { temporaryFolder } from '../helpers.ts'
import { tinyFlow, type Units, writeImages } from './tiny-flow.ts'

const folder = temporaryFolder()
let made = 0

async function checked(units: Units = {}, options: CheckModelOptions = {}) {
  const model = await tinyFlow(join(folder, `model-${made++}`), 'tiny', 1, units)
  const report = await checkModel(model, { workers: 0, ...options })
  return { report, wrong: report.checks.filter(({ state }) => state === 'wrong').map(({ name }) => name) }
}

describe('check-model', () => {
  it('finds nothing wrong with a right model', async () => {
    const { report, wrong } = await checked()
    expect(wrong).toEqual([])
    expect(report.checks.map(({ name }) => name)).toEqual([
      'layout',
      'batch',
      'rows',
      'round trip',
      'logdet',
      'units',
      'speed',
    ])
    expect(checkText(report)).toMatch(/^ok {5}layout .*tiny: flow of \[1, 2, 2\]/)
    expect(checkText(report)).toMatch(/: nothing wrong found$/)
  })

  it.each([
    ['logdet sign', ['logdet'], /logdet is log \|det dz\/dx\| of encode/],
    ['other decoder', ['round trip', 'logdet'], /decode must be the exact inverse/],
    ['batch statistics', ['rows', 'round trip'], /eval mode/],
    ['baked batch', ['batch'], /free batch axis/],
  ] as const)('finds %s', async (fault, names, mend) => {
    const { report, wrong } = await checked({ fault })
    expect(wrong).toEqual(expect.arrayContaining([...names]))
    expect(report.ok).toBe(false)
    expect(checkText(report)).toMatch(mend)
    expect(checkText(report)).toMatch(/of \d checks went wrong$/)
  })

  it('says what is wrong with a folder', async () => {
    const model = await tinyFlow(join(folder, 'layout'))
    const path = join(model, 'manifest.json')
    const manifest = JSON.parse(readFileSync(path, 'utf8'))
    writeFileSync(path, JSON.stringify({ ...manifest, data: { ...manifest.data, shape: [2, 2, 1] } }))
    const { ok, checks } = await checkModel(model, { workers: 0 })
    expect(ok).toBe(false)
    expect(checks).toMatchObject([
      { name: 'layout', state: 'wrong', found: expect.stringContaining('as data.shape says') },
    ])
    writeFileSync(path, '{')
    expect((await checkModel(model)).checks[0]!.found).toContain('expected JSON')
    await expect(checkModel(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'E_UNKNOWN_NAME' })
  })

  it('finds images of other units, broken and missing ones', async () => {
    const bytes: Units = { valueRange: [0, 255], preprocessing: [{ name: 'dequantize' }] }
    const unit = writeImages(join(folder, 'unit.npy'), [[0.1, 0.5, 0, 1]])
    const { report, wrong } = await checked(bytes, { images: unit })
    expect(wrong).toEqual(['units'])
    expect(checkText(report)).toContain('(images in [0, 1]? multiply them by 255)')
    const missing = await checked(bytes, { images: join(folder, 'none.npy') })
    expect(missing.wrong).toEqual(['images'])
    const other = writeImages(join(folder, 'other.npy'), [[1, 2, 3, 4]])
    expect((await checked(bytes, { images: other })).report.checks.map(({ name }) => name)).toContain('units')
  })
})
