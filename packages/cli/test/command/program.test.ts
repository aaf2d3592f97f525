// The command as a process: options, output, exit codes.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { ood as command } from '../../src/command/program.ts'
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

  it('ends with code 2 and one line for a mistake', async () => {
    const end = await ood('inspect', 'model-that-is-not-there')
    expect(end).toMatchObject({ code: 2, stdout: '' })
    expect(end.stderr).toMatch(/^error: model: expected a checkpoint folder .*got model-that-is-not-there\n$/)
  })
})

describe('its options', () => {
  /** The command inside this process: what it printed, how it ended. */
  async function inside(...args: string[]) {
    const written = { stdout: '', stderr: '' }
    const spies = (['stdout', 'stderr'] as const).map((name) =>
      vi.spyOn(process[name], 'write').mockImplementation((text) => {
        written[name] += text
        return true
      }),
    )
    try {
      await command(args, new AbortController().signal)
    } catch (error) {
      written.stderr += (error as Error).message
    } finally {
      for (const spy of spies) spy.mockRestore()
    }
    const code = process.exitCode
    process.exitCode = undefined
    return { code, ...written }
  }

  it('write a file and print a summary', async () => {
    const out = join(folder, 'scores.csv')
    const end = await inside('score', '-m', model, '-i', images, '--workers', '0', '--lid', '-0.5', '-o', out)
    expect(end.stdout).toMatch(/^column +mean +smallest +largest\n/)
    expect(end.stdout).toContain(`2 images: ${out}`)
    expect(readFileSync(out, 'utf8')).toMatch(/^image,likelihood,bits_per_dim,JacobianThresholdLID\n0,/)
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
      /^options scale: expected coupling, knee, plateau or a number, got best$/,
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
