// Opening run folders: configuration, journal, lock, and the files an experiment writes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tensor } from '@ood/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { configYaml, openRun, type Run, readJournal } from '../../src/index.ts'
import { contents, ended, startChild, temporaryFolder } from '../helpers.ts'

async function inRun<T>(folder: string, use: (run: Run) => T | Promise<T>, options: object = {}): Promise<T> {
  const run = openRun({ folder, config: { n: 64 }, ...options })
  try {
    return await use(run)
  } finally {
    run.close()
  }
}

describe('configuration', () => {
  it('refuses a folder with another one and names the difference', () => {
    const folder = temporaryFolder()
    openRun({ folder, config: { n: 64, data: { name: 'mnist' }, list: [1, 2] } }).close()
    const open = (config: unknown) => () => openRun({ folder, config }).close()
    expect(open({ data: { name: 'mnist' }, list: [1, 2], n: 64 })).not.toThrow()
    expect(open({ n: 64, data: { name: 'fmnist' }, list: [1, 2] })).toThrow(
      'config.yaml.data.name: expected "mnist" as in the earlier run, got "fmnist"',
    )
    expect(open({ n: 64, data: { name: 'mnist' }, list: [1, 3] })).toThrow('.list[1]: expected 2')
    expect(open({ n: 64, data: { name: 'mnist' }, list: [1, 2], extra: true })).toThrow('.extra: expected nothing')
    expect(open({ n: 64, data: { name: 'mnist' }, list: [1] })).toThrow('.list[1]: expected 2')
    expect(open({ n: 128 })).toThrowError(expect.objectContaining({ code: 'E_ARGUMENT' }))
  })

  it('is replaced with everything the earlier run wrote when overwriting, and nothing else is touched', async () => {
    const folder = temporaryFolder()
    const first = openRun({ folder, config: { n: 1 } })
    await first.step('a', () => 1)
    first.writeText('old/report.html', 'old')
    first.close()
    writeFileSync(join(folder, 'notes.txt'), 'mine')
    const second = openRun({ folder, config: { n: 2 }, overwrite: true })
    expect(second.resumed).toBe(false)
    expect(await second.step('a', () => 2)).toBe(2)
    second.close()
    expect(Object.keys(contents(folder))).toEqual(['config.yaml', 'notes.txt', 'steps/a/value.json'])
    // With the same configuration `overwrite` keeps the work: the same command resumes.
    expect(await inRun(folder, (run) => run.resumed, { config: { n: 2 }, overwrite: true })).toBe(true)
    expect(await inRun(folder, (run) => run.resumed, { config: { n: 2 }, resume: false })).toBe(false)
  })

  it('survives YAML whatever its strings and numbers are', () => {
    const tree = fc.dictionary(
      fc.string(),
      fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)),
    )
    fc.assert(
      fc.property(tree, (config) => {
        expect(() => configYaml(config)).not.toThrow()
      }),
    )
  })

  it('refuses what YAML would change', () => {
    expect(() => configYaml({ a: { b: new Map([[1, 2]]) } })).toThrow('config.a.b')
    expect(() => configYaml({ x: Number.NaN })).toThrow('config.x')
  })

  it('refuses a folder that is no run', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'thesis.tex'), '')
    expect(() => openRun({ folder, config: {} })).toThrow(
      `${folder}: expected an empty folder or the folder of an earlier run, got a folder with thesis.tex`,
    )
    expect(() => openRun({ folder: join(folder, 'thesis.tex'), config: {} })).toThrowError(
      expect.objectContaining({ code: 'E_FILE' }),
    )
  })

  it('that is not YAML is an error naming file and place', async () => {
    const folder = temporaryFolder()
    await inRun(folder, () => {})
    writeFileSync(join(folder, 'config.yaml'), 'n: [1,\n')
    await expect(inRun(folder, () => {})).rejects.toThrow(/config\.yaml: expected YAML, got .*line \d/)
  })
})

describe('journal', () => {
  it('ignores and cuts off a half-written last line', async () => {
    const folder = temporaryFolder()
    const first = openRun({ folder, config: { n: 64 } })
    await first.step('a', () => 'stored')
    first.close()
    const path = join(folder, 'run.jsonl')
    const whole = readFileSync(path, 'utf8')
    for (const half of ['{"ti', '{"time":"2020","type":"step"}', '\u0000\u0000\u0000']) {
      writeFileSync(path, whole + half)
      const run = openRun({ folder, config: { n: 64 } })
      expect(await run.step('a', () => 'computed again')).toBe('stored')
      run.close()
      expect(readJournal(path).map(({ type }) => type)).toEqual(['open', 'step', 'open'])
    }
  })

  it('names a damaged line in the middle', async () => {
    const folder = temporaryFolder()
    await inRun(folder, () => {})
    const path = join(folder, 'run.jsonl')
    writeFileSync(path, `${readFileSync(path, 'utf8')}rubbish\n`)
    await expect(inRun(folder, () => {})).rejects.toThrow(`${path} line 2: expected one JSON event, got rubbish`)
    // The failed opening must have given the lock back.
    writeFileSync(path, '')
    await expect(inRun(folder, () => {})).resolves.toBeUndefined()
  })
})

describe('lock', () => {
  it('keeps a second opening out and names the holder', async () => {
    const folder = temporaryFolder()
    const run = openRun({ folder, config: {} })
    const wanted = `${folder}: expected no other process, got process ${process.pid}`
    expect(() => openRun({ folder, config: {} })).toThrow(wanted)
    const other = await ended(startChild('hold', folder))
    expect(other.code).toBe(2)
    expect(other.stderr).toContain(wanted)
    run.close()
    expect(() => openRun({ folder, config: {} }).close()).not.toThrow()
  })

  it('of a killed process does not count', async () => {
    const folder = temporaryFolder()
    const child = startChild('hold', folder)
    const end = await ended(child, () => {
      expect(() => openRun({ folder, config: {} })).toThrow(`process ${child.pid}`)
      child.kill('SIGKILL')
    })
    expect(end.signal).toBe('SIGKILL')
    expect(contents(folder)).toHaveProperty('run.lock')
    openRun({ folder, config: {} }).close()
    expect(contents(folder)).not.toHaveProperty('run.lock')
  })

  it.each([
    ['another machine', { pid: 1, host: 'elsewhere.example' }],
    ['nobody', {}],
  ])('of %s is respected', (_, holder) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'run.lock'), JSON.stringify(holder))
    expect(() => openRun({ folder, config: {} })).toThrow('if it is gone, delete')
    expect(readFileSync(join(folder, 'run.lock'), 'utf8')).toBe(JSON.stringify(holder))
  })

  it('of a process number that was given out again does not count', () => {
    if (process.platform !== 'linux') return
    const folder = temporaryFolder()
    const run = openRun({ folder, config: {} })
    const path = join(folder, 'run.lock')
    const lock = JSON.parse(readFileSync(path, 'utf8')) as { started: string }
    run.close()
    writeFileSync(path, JSON.stringify({ ...lock, started: `${Number(lock.started) - 1}` }))
    expect(() => openRun({ folder, config: {} }).close()).not.toThrow()
  })
})

describe('steps', () => {
  const storable = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, false),
      fc.string(),
      fc.double(),
      fc.float64Array(),
      fc.float32Array(),
      fc.int32Array(),
      fc.uint8Array(),
      fc.bigInt64Array(),
      fc.float64Array({ minLength: 6, maxLength: 6 }).map((data) => tensor(data, [2, 1, 3])),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(
        fc.string().filter((key) => !key.startsWith('$') && key !== '__proto__'),
        tie('tree'),
        { maxKeys: 3, noNullPrototype: true },
      ),
    ),
  })).tree

  it('give back any tree of numbers and arrays, NaN, -0 and infinities included, now and when resumed', async () => {
    await fc.assert(
      fc.asyncProperty(storable, async (value) => {
        const folder = temporaryFolder()
        for (const compute of [() => value, () => expect.fail('computed again')]) {
          const run = openRun({ folder, config: {} })
          expect(await run.step('value', compute)).toStrictEqual(value)
          run.close()
        }
      }),
      { numRuns: 60 },
    )
  })

  it.each([
    ['a function', { f: () => 1 }, 'value result.f: expected numbers'],
    ['a Map', [new Map()], 'value result.0: expected numbers'],
    ['a reserved key', { $array: 'x' }, '$array'],
    ['undefined', undefined, 'a undefined'],
  ])('refuse %s and leave nothing behind', async (_, value, message) => {
    const folder = temporaryFolder()
    const run = openRun({ folder, config: {} })
    await expect(run.step('value', () => value)).rejects.toThrow(message)
    run.close()
    openRun({ folder, config: {} }).close()
    expect(Object.keys(contents(folder))).toEqual(['config.yaml'])
  })

  it('store other types through save and load', async () => {
    const folder = temporaryFolder()
    for (let i = 0; i < 2; i++) {
      const run = openRun({ folder, config: {} })
      const value = await run.step('map', () => new Map([['a', 1]]), {
        save: (map) => [...map],
        load: (stored) => new Map(stored as [string, number][]),
      })
      expect(value).toEqual(new Map([['a', 1]]))
      run.close()
    }
  })

  it('are done again under a new key', async () => {
    const folder = temporaryFolder()
    const values: number[] = []
    for (const [i, key] of ['a', 'a', 'b', { sha256: 'c', n: 1 }, { n: 1, sha256: 'c' }].entries())
      values.push(await inRun(folder, async (run) => run.step('keyed', () => i, { key })))
    expect(values).toEqual([0, 0, 2, 3, 3])
  })

  it('need names of their own that stay inside the folder', async () => {
    const run = openRun({ folder: temporaryFolder(), config: {} })
    await run.step('a/b', () => 1)
    for (const name of ['a/b', 'a.b', 'A/B']) await expect(run.step(name, () => 1)).rejects.toThrow('a name of its own')
    for (const name of ['../a', '', '.hidden', 'a/', 'a b', '/etc'])
      await expect(run.step(name, () => 1)).rejects.toThrow('step name')
    for (const path of ['../x.txt', '/x.txt', '.', 'a/../../x'])
      expect(() => run.writeText(path, '')).toThrow('expected a path inside')
    run.close()
  })

  it('check the shapes of batches', async () => {
    const run = openRun({ folder: temporaryFolder(), config: {} })
    const x = new Float64Array(3)
    await expect(run.batches('empty', 0, 4, () => ({ x }))).rejects.toThrow(
      'empty total: expected at least one row, got 0',
    )
    await expect(run.batches('size', 4, 0, () => ({ x }))).rejects.toThrow('size batchSize')
    await expect(run.batches('short', 4, 2, () => ({ x }))).rejects.toThrow('short x')
    await expect(run.batches('rows', 4, 2, () => ({ x: tensor(x, [3, 1]) }))).rejects.toThrow(
      'rows x: expected 2 rows, got 3',
    )
    await expect(
      run.batches(
        'columns',
        4,
        2,
        (from): Record<string, Float64Array> => (from ? { y: new Float64Array(2) } : { x: new Float64Array(2) }),
      ),
    ).rejects.toThrow('columns batch: expected columns x, got y')
    run.close()
  })

  it('computed in batches of another size do not use the old batches', async () => {
    const folder = temporaryFolder()
    const compute = (from: number, to: number) => {
      if (from >= 4) throw new Error('stop')
      return { x: new Float64Array(to - from).fill(from) }
    }
    await expect(inRun(folder, async (run) => run.batches('b', 6, 2, compute))).rejects.toThrow('stop')
    const { x } = await inRun(folder, async (run) =>
      run.batches('b', 6, 4, (from, to) => ({ x: new Float64Array(to - from).fill(from) })),
    )
    expect([...x]).toEqual([0, 0, 0, 0, 4, 4])
  })

  it('stop between batches on abort and keep what is done', async () => {
    const folder = temporaryFolder()
    const controller = new AbortController()
    const run = openRun({ folder, config: { n: 64 } })
    const compute = (from: number) => {
      if (from === 1) controller.abort()
      return { x: Float64Array.of(from) }
    }
    await expect(run.batches('b', 5, 1, compute, { signal: controller.signal })).rejects.toThrowError(
      expect.objectContaining({ code: 'E_ABORTED' }),
    )
    run.close()
    expect(Object.keys(contents(folder)).filter((path) => path.endsWith('.npy'))).toHaveLength(2)
  })
})

describe('files', () => {
  it('are written as named', async () => {
    const folder = temporaryFolder()
    await inRun(folder, (run) => {
      run.writeCsv('in_distr_train', {
        likelihood: Float64Array.of(0.1, Number.NaN, Number.NEGATIVE_INFINITY),
        name: ['a', 'b,"c"', ''],
      })
      run.writeTrend(
        'ood',
        [-1, 2],
        [
          [784, 3.5],
          [783, 0],
        ],
      )
      run.writeJson('summary.json', { auc: { 'fmnist->mnist': 0.5 }, scales: Float64Array.of(1, 2) })
    })
    const files = contents(folder)
    expect(files['in_distr_train/metrics.csv']).toBe('likelihood,name\n0.1,a\nnan,"b,""c"""\n-inf,\n')
    expect(files['ood/trends/sweeping_range.csv']).toBe('scale\n-1\n2\n')
    expect(files['ood/trends/trend.csv']).toBe('-1,2\n784,3.5\n783,0\n')
    expect(JSON.parse(files['summary.json']!)).toEqual({ auc: { 'fmnist->mnist': 0.5 }, scales: [1, 2] })
  })

  it('with unequal columns, no columns, or NaN in JSON are refused', async () => {
    await inRun(temporaryFolder(), (run) => {
      expect(() => run.writeCsv('ood', { a: [1, 2], b: [1] })).toThrow('csv column b: expected 2 rows like a, got 1')
      expect(() => run.writeCsv('ood', {})).toThrow('at least one column')
      expect(() => run.writeTrend('ood', [1, 2], [[1]])).toThrow('2 numbers a point')
      expect(() => run.writeJson('s.json', { auc: { single: Number.NaN } })).toThrow(
        's.json single: expected a finite number',
      )
    })
  })

  it('that cannot be written are an error naming the file', async () => {
    const folder = temporaryFolder()
    await inRun(folder, (run) => {
      mkdirSync(join(folder, 'report.html'))
      expect(() => run.writeText('report.html', '')).toThrow(/report\.html: expected a place to write to, got a folder/)
    })
  })
})
