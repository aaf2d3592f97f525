// CSV: Python's file, exact round trips, column choice, and rows that are wrong.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCsv, writeCsv } from '../src/index.ts'
import { expectError, fixture, golden, temporaryFolder } from './helpers.ts'

describe('readCsv', () => {
  it('reads numeric columns beside quoted text', async () => {
    const expected = golden.csv['table.csv']!
    const { columns, data } = await readCsv(fixture('table.csv'), { columns: expected.columns })
    expect(columns).toEqual(expected.columns)
    expect(data.shape).toEqual([3, 2])
    expect([...data.data]).toEqual(expected.data)
    const swapped = await readCsv(fixture('table.csv'), { columns: ['log_prob', 'index'] })
    expect(swapped.data.get(1, 1)).toBe(1)
  })

  it('names file, row and column of what is wrong', async () => {
    const path = join(await temporaryFolder(), 'bad.csv')
    const failing: [string, RegExp][] = [
      ['', /bad\.csv: expected a first line of column names, got an empty file/],
      ['a,b\n1,2\n3,x\n', /bad\.csv row 2 column b: expected a number, got x/],
      ['a,b\n1,\n', /row 1 column b: expected a number, got an empty string/],
      ['a,b\n1,0x10\n', /row 1 column b: expected a number, got 0x10/],
      ['a,b\n1,2\n3\n', /bad\.csv row 2: expected 2 cells, got 1/],
      ['a,b\n1,"2\n', /bad\.csv: expected a CSV file, got Parse Error/],
    ]
    for (const [text, message] of failing) {
      await writeFile(path, text)
      await expectError(readCsv(path), 'E_FILE', message)
    }
    await writeFile(path, 'a,a\n1,2\n')
    await expectError(readCsv(path), 'E_FILE', /one column a, got two/)
    await expectError(readCsv(path, { columns: ['c'] }), 'E_FILE', /bad\.csv: expected a column c, got \[a, a\]/)
    await expectError(readCsv(`${path}.none`), 'E_FILE', /expected a file, got nothing there/)
    await writeFile(path, `a\n${'1\n'.repeat(100)}`)
    await expectError(readCsv(path, { maxBytes: 400 }), 'E_FILE', /at most 400 bytes of numbers/)
  })

  it('reads a header without rows and the spellings of infinity', async () => {
    const path = join(await temporaryFolder(), 'x.csv')
    await writeFile(path, 'a,b\n')
    expect((await readCsv(path)).data.shape).toEqual([0, 2])
    await writeFile(path, 'a,b,c,d\r\ninf,-Infinity,nan, 1e5 \r\n')
    expect([...(await readCsv(path)).data.data]).toEqual([Infinity, -Infinity, Number.NaN, 1e5])
  })
})

describe('writeCsv', () => {
  it('gives every bit back', async () => {
    const path = join(await temporaryFolder(), 'x.csv')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.double(), fc.double()), { maxLength: 20 }), async (rows) => {
        const columns = { log_prob: rows.map(([a]) => a), lid: rows.map(([, b]) => b) }
        await writeCsv(path, columns)
        const { data } = await readCsv(path)
        // toEqual tells -0 from 0.
        expect([...data.data]).toEqual(rows.flat())
      }),
      { numRuns: 50 },
    )
  })

  it('replaces the file whole, leaves nothing half-written, and refuses ragged columns', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'sub', 'x.csv')
    await writeCsv(path, { a: [1], b: ['x, "y"'] })
    expect(await readFile(path, 'utf8')).toBe('a,b\n1,"x, ""y"""\n')
    await writeCsv(path, { a: [2] })
    expect(await readFile(path, 'utf8')).toBe('a\n2\n')
    await expectError(writeCsv(path, { a: [1], b: [1, 2] }), 'E_SHAPE', /writeCsv column b: expected 1 values like a/)
    await expectError(writeCsv(join(path, 'below-a-file.csv'), { a: [1] }), 'E_FILE', /below-a-file\.csv/)
    expect(await readFile(path, 'utf8')).toBe('a\n2\n')
    expect(await readdir(join(folder, 'sub'))).toEqual(['x.csv'])
  })
})
