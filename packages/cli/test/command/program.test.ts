// The command as a process: options, output, exit codes.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { ended, temporaryFolder } from '../helpers.ts'
import { inside } from '../inside.ts'
import { logProb, tinyFlow, writeImages } from './tiny-flow.ts'

const folder = temporaryFolder()
const model = join(folder, 'tiny')
const images = join(folder, 'images.npy')
const rows = [
  [1, 2, 0.1, 0],
  [0, -1, 0.3, 0.1],
]

// A grey PNG of 2 x 2 pixels 0, 85, 170, 255, made with Python's zlib.
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNgCGVY9R8AA60B/2f7ygkAAAAASUVORK5CYII=',
  'base64',
)
const bytes = join(folder, 'bytes')
const unit = join(folder, 'unit.npy')

beforeAll(async () => {
  await tinyFlow(model)
  await tinyFlow(bytes, 'bytes', 1, { valueRange: [0, 255], preprocessing: [{ name: 'dequantize' }] })
  writeImages(images, rows)
  writeImages(unit, [[0.25, 0.5, 0, 1]])
})

function ood(...args: string[]) {
  const bin = fileURLToPath(new URL('../../src/bin.ts', import.meta.url))
  return ended(
    spawn(process.execPath, ['--conditions=@ood/source', '--import', 'tsx', bin, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
}

describe('ood', () => {
  it('prints CSV and nothing else on standard output', async () => {
    const end = await ood('score', '-m', model, '-i', images, '--workers', '0')
    expect(end).toMatchObject({ code: 0 })
    const [head, ...lines] = end.stdout.trim().split('\n')
    expect(head).toBe('image,log_prob_pixel,bits_per_dim')
    expect(lines.map((line) => Number(line.split(',')[1]))).toEqual(rows.map((row) => expect.closeTo(logProb(row), 4)))
    expect(end.stderr).toContain('score: 2/2 (100 %)')
  })

  it('ends with code 2 and one line for a mistake', async () => {
    const end = await ood('inspect', 'model-that-is-not-there')
    expect(end).toMatchObject({ code: 2, stdout: '' })
    expect(end.stderr).toMatch(/^error: model: expected a checkpoint folder .*got model-that-is-not-there\n$/)
  })
})

describe('its options', () => {
  it('write a file and print a summary', async () => {
    const out = join(folder, 'scores.csv')
    const end = await inside('score', '-m', model, '-i', images, '--workers', '0', '--lid', '-0.5', '-o', out)
    expect(end.stdout).toMatch(/^column +mean +smallest +largest\n/)
    expect(end.stdout).toContain(`2 images: ${out}`)
    expect(readFileSync(out, 'utf8')).toMatch(/^image,log_prob_pixel,bits_per_dim,JacobianThresholdLID\n0,/)
  })

  it('leave broken pictures out and count them', async () => {
    const pictures = join(folder, 'pictures')
    mkdirSync(pictures)
    writeFileSync(join(pictures, 'a.png'), png)
    writeFileSync(join(pictures, 'b.png'), png.subarray(0, 50))
    const args = ['score', '-m', bytes, '-i', pictures, '--workers', '0', '--on-error']
    expect((await inside(...args, 'stop')).stderr).toMatch(/b\.png: expected a whole PNG/)
    const end = await inside(...args, 'skip')
    expect(end.stdout).toMatch(/^image,log_prob_pixel,bits_per_dim\na\.png,[-\d.]+,[-\d.]+\n$/)
    expect(end.stderr).toMatch(/skipped: .*b\.png: expected a whole PNG/)
    expect(end.stderr).toContain('1 images, 1 broken one skipped')
    const out = join(folder, 'skipped.csv')
    expect((await inside(...args, 'skip', '-o', out)).stdout).toContain(`1 images: ${out}, 1 broken one skipped`)
  })

  it('check a model: code 0 or 2, text or JSON', async () => {
    const right = await inside('check-model', model, '--workers', '0')
    expect(right).toMatchObject({ code: undefined, stdout: expect.stringMatching(/nothing wrong found\n$/) })
    const wrong = await inside('check-model', bytes, '--workers', '0', '-i', unit, '--json')
    expect(wrong.code).toBe(2)
    expect(JSON.parse(wrong.stdout)).toMatchObject({ ok: false, folder: bytes })
  })

  it('refuse images of other units', async () => {
    const end = await inside('score', '-m', bytes, '-i', unit, '--workers', '0')
    expect(end.stderr).toContain('expected integers in [0, 255], got 0.25')
    expect(end.stderr).toContain('(images in [0, 1]? multiply them by 255)')
  })

  it('list the shipped checkpoints and print JSON', async () => {
    expect((await inside('models')).stdout).toMatch(/^[\w-]+(\n[\w-]+)*\n$/)
    expect(JSON.parse((await inside('inspect', model, '--json')).stdout)).toMatchObject({ manifest: { name: 'tiny' } })
  })

  it.each([
    [['--help'], 0, /Usage: ood/, /^$/],
    [['--version'], 0, /^\d+\.\d+\.\d+\n$/, /^$/],
    [['scores'], 2, /^$/, /^error: unknown command 'scores'/],
    [['score', '-m', 'x'], 2, /^$/, /^error: required option '-i, --images <source>' not specified/],
    [
      ['score', '-m', 'x', '-i', 'y', '--space', 'z'],
      2,
      /^$/,
      /^error: option '--space <space>' argument 'z' is invalid/,
    ],
  ])('%j: code %i', async (args, code, stdout, stderr) => {
    const end = await inside(...args)
    expect(end).toEqual({ code, stdout: expect.stringMatching(stdout), stderr: expect.stringMatching(stderr) })
  })

  it.each([
    [['score', '-m', 'x', '-i', 'y', '-n', 'many'], /^options limit: expected number, got many$/],
    [['score', '-m', 'x', '-i', 'y', '-n', '0'], /^options limit: expected a value >=1, got 0$/],
    [
      ['fit', '-m', 'x', '-i', 'y', '-o', 'z', '--scale', 'best'],
      /^options scale: expected scalingRegion, coupling, knee, plateau or a number, got best$/,
    ],
    [
      ['fit', '-m', 'x', '-i', 'y', '-o', 'z', '--rule', 'best'],
      /^options rule: expected one of .*standardisedSum.*, got best$/,
    ],
    [['fit', '-m', 'x', '-i', 'y', '-o', 'z', '--fpr', '1'], /^options fpr: expected a value <1, got 1$/],
  ])('%j: one line', async (args, message) => {
    expect((await inside(...args)).stderr).toMatch(message)
  })
})
