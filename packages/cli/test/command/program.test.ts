// The command as a process: options, output, exit codes.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { ended, temporaryFolder } from '../helpers.ts'
import { logProb, tinyFlow, writeImages } from './tiny-flow.ts'

const folder = temporaryFolder()
const model = join(folder, 'tiny')
const images = join(folder, 'images.npy')
const rows = [
  [1, 2, 0.1, 0],
  [0, -1, 0.3, 0.1],
]

beforeAll(async () => {
  await tinyFlow(model)
  writeImages(images, rows)
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
    expect(head).toBe('image,likelihood,bits_per_dim')
    expect(lines.map((line) => Number(line.split(',')[1]))).toEqual(rows.map((row) => expect.closeTo(logProb(row), 4)))
    expect(end.stderr).toContain('score: 2/2 (100 %)')
  })

  it('writes a file and prints a summary', async () => {
    const out = join(folder, 'scores.csv')
    const end = await ood('score', '-m', model, '-i', images, '--workers', '0', '--lid', '-0.5', '-o', out)
    expect(end.code).toBe(0)
    expect(end.stdout).toMatch(/^column +mean +smallest +largest\n/)
    expect(end.stdout).toContain(`2 images: ${out}`)
    expect(readFileSync(out, 'utf8')).toMatch(/^image,likelihood,bits_per_dim,JacobianThresholdLID\n0,/)
  })

  it.each([
    [['--help'], 0, /Usage: ood/, /^$/],
    [['--version'], 0, /^\d+\.\d+\.\d+\n$/, /^$/],
    [
      ['inspect', 'model-that-is-not-there'],
      2,
      /^$/,
      /^error: model: expected a checkpoint folder .*got model-that-is-not-there\n$/,
    ],
    [['scores'], 2, /^$/, /^error: unknown command 'scores'/],
    [['score', '-m', 'x'], 2, /^$/, /^error: required option '-i, --images <source>' not specified/],
    [['score', '-m', 'x', '-i', 'y', '-n', 'many'], 2, /^$/, /^error: options limit: expected number, got many\n$/],
    [['score', '-m', 'x', '-i', 'y', '-n', '0'], 2, /^$/, /^error: options limit: expected a value >=1, got 0\n$/],
    [
      ['fit', '-m', 'x', '-i', 'y', '-o', 'z', '--scale', 'best'],
      2,
      /^$/,
      /^error: options scale: expected coupling, knee, plateau or a number, got best\n$/,
    ],
    [
      ['fit', '-m', 'x', '-i', 'y', '-o', 'z', '--rule', 'best'],
      2,
      /^$/,
      /^error: options rule: expected one of .*standardisedSum.*, got best\n$/,
    ],
  ])('%j ends with code %i', async (args, code, stdout, stderr) => {
    const end = await ood(...args)
    expect([end.code, end.stdout, end.stderr]).toEqual([
      code,
      expect.stringMatching(stdout),
      expect.stringMatching(stderr),
    ])
    expect(existsSync('z')).toBe(false)
  })
})
