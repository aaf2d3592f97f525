// Bad options and names: one clear line and exit code 2, nothing written.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { commandOf, parseOptions as parse, usage } from '../common/command-line.ts'
import { example as paradox } from '../likelihood-paradox/index.ts'

const script = fileURLToPath(new URL('../run.ts', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'ood-example-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

function example(...args: string[]) {
  const node = ['--import', import.meta.resolve('tsx'), '--conditions=@ood/source', script, ...args]
  return spawnSync(process.execPath, node, { cwd: work, encoding: 'utf8' })
}

const parseOptions = (argv: string[], env: NodeJS.ProcessEnv) => parse(paradox, argv, env)

describe('parseOptions', () => {
  it('has the demo as its default', () => {
    expect(parseOptions([], {})).toEqual({
      n: 64,
      seed: 0,
      dataDir: undefined,
      folder: join('runs', 'likelihood-paradox'),
      workers: undefined,
    })
  })

  it('takes the data folder from the environment only when the packaged images are too few', () => {
    expect(parseOptions(['--n', '512'], { OOD_DATA_DIR: '/data' })?.dataDir).toBeUndefined()
    expect(parseOptions(['--n', '1024'], { OOD_DATA_DIR: '/data' })?.dataDir).toBe('/data')
  })

  it.each([
    [['--n', '7'], '--n: expected a whole number of at least 8, got 7'],
    [['--n', 'many'], '--n: expected a whole number of at least 8, got many'],
    [['--n', '1e3'], '--n: expected a whole number of at least 8, got 1e3'],
    [['--n', '513'], '--n: expected at most 512 images a split without --data-dir or OOD_DATA_DIR, got 513'],
    [['--run', '../elsewhere'], '--run: expected a plain folder name, got ../elsewhere'],
    [['--colour', 'red'], "options: Unknown option '--colour' (--help lists them)"],
  ])('refuses %j', (argv, message) => {
    expect(() => parseOptions(argv, {})).toThrow(message)
  })
})

describe('what the options say of themselves', () => {
  it('lists every flag in the help', () => {
    const text = usage(paradox)
    for (const flag of ['--n N', '--data-dir FOLDER', '--seed N', '--run NAME', '--workers N', '--help'])
      expect(text).toContain(`\n  ${flag} `)
  })

  it('gives the command of a run, without paths of this machine', () => {
    const options = parseOptions(['--seed', '3', '--run', 'mine', '--data-dir', '/data'], {})!
    const command = 'npm run example -- likelihood-paradox --n 64 --seed 3'
    expect(commandOf(paradox, options)).toBe(`\`${command}\`, 64 images a split, data: official files.`)
  })
})

describe('npm run example', () => {
  it('names the examples there are, in one line, with exit code 2', () => {
    const { status, stderr, stdout } = example('no-such-example')
    const known =
      'diffusion-lid, diffusion-ratio, genome, input-complexity, lid-map, likelihood-paradox, likelihood-ratio, why-flows-fail'
    expect(stderr).toBe(`error: example: expected one of ${known}, got no-such-example\n`)
    expect([status, stdout]).toEqual([2, ''])
  })

  it('writes nothing when the options are wrong', () => {
    const { status, stderr } = example('likelihood-paradox', '--n', '3')
    expect(stderr).toBe('error: --n: expected a whole number of at least 8, got 3\n')
    expect([status, readdirSync(work)]).toEqual([2, []])
    expect(() => parse(paradox, ['--n', '9'], {})).toThrow('--n: expected at least 10 images a split, got 9')
    expect(parse(paradox, ['--n', '10'], {})).toMatchObject({ n: 10 })
  })

  it('names a data folder that is not there and leaves no run behind', () => {
    const { status, stderr } = example('likelihood-paradox', '--n', '16', '--data-dir', join(work, 'missing'))
    expect(stderr).toMatch(/^error: .*missing.*\n$/)
    expect([status, existsSync(join(work, 'runs', 'likelihood-paradox', 'summary.json'))]).toEqual([2, false])
  })
})
