// CSV: Python's file, exact round trips, column choice, missing values, cut files, and rows that are wrong.
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
      ['a,b\n1,"2\n', /bad\.csv row 1: expected a closing quote, got the end of the file/],
    ]
    for (const [text, message] of failing) {
      await writeFile(path, text)
      await expectError(readCsv(path), 'E_FILE', message)
    }
    await writeFile(path, 'a,a\n1,2\n')
    await expectError(readCsv(path), 'E_FILE', /one column a, got two/)
    await expectError(readCsv(path, { columns: ['c'] }), 'E_FILE', /bad\.csv: expected a column c, got \[a, a\]/)
    await expectError(readCsv(`${path}.none`), 'E_FILE', /expected a readable file, got nothing there/)
    await writeFile(path, `a\n${'1\n'.repeat(100)}`)
    await expectError(readCsv(path, { maxBytes: 400 }), 'E_FILE', /at most 400 bytes of numbers/)
  })

  it('never moves a row up: a missing value is an error at its place, or NaN', async () => {
    const path = join(await temporaryFolder(), 'gaps.csv')
    const missing: [string, number, string, string][] = [
      ['score\n1\n""\n3\n', 2, 'score', 'an empty string'],
      ['score\n1\n\n3\n', 2, 'score', 'an empty string'],
      ['score\r\n1\r\n   \r\n3\r\n', 2, 'score', 'an empty string'],
      ['score\n""\n2\n3\n', 1, 'score', 'an empty string'],
      ['score\n1\n2\n""\n', 3, 'score', 'an empty string'],
      ['score\n1\n2\n\n', 3, 'score', 'an empty string'],
      ['score\n1\nNA\n3\n', 2, 'score', 'NA'],
      ['score\n1\nnull\n3\n', 2, 'score', 'null'],
      ['a,score\n1,1\n2,\n3,3\n', 2, 'score', 'an empty string'],
      ['score,b\n1,1\n"",2\n3,3\n', 2, 'score', 'an empty string'],
    ]
    for (const [text, row, column, got] of missing) {
      await writeFile(path, text)
      const message = new RegExp(`gaps\\.csv row ${row} column ${column}: expected a number, got ${got}$`)
      await expectError(readCsv(path), 'E_FILE', message)
      const { data } = await readCsv(path, { columns: ['score'], missing: 'nan' })
      expect([...data.data]).toEqual([1, 2, 3].map((v) => (v === row ? Number.NaN : v)))
    }
    // A column that is not read may have gaps.
    await writeFile(path, 'score,note\n1,\n2,x\n3,""\n')
    expect([...(await readCsv(path, { columns: ['score'] })).data.data]).toEqual([1, 2, 3])
    await expectError(readCsv(path, { missing: 'nan' }), 'E_FILE', /row 2 column note: expected a number, got x/)
    await expectError(
      readCsv(path, { missing: 'skip' as never }),
      'E_ARGUMENT',
      /missing: expected error or nan, got skip/,
    )
  })

  it('in a wider table an empty line may end the file and stand nowhere else', async () => {
    const path = join(await temporaryFolder(), 'lines.csv')
    await writeFile(path, 'a,b\n1,2\n\n\r\n')
    expect((await readCsv(path)).data.shape).toEqual([1, 2])
    await writeFile(path, 'a,b\n1,2\n\n3,4\n')
    for (const missing of ['error', 'nan'] as const)
      await expectError(readCsv(path, { missing }), 'E_FILE', /lines\.csv row 2: expected 2 cells, got an empty line/)
    await writeFile(path, '\na,b\n1,2\n')
    await expectError(readCsv(path), 'E_FILE', /a first line of column names, got an empty line/)
  })

  it('refuses a file cut anywhere but at the end of a row', async () => {
    const path = join(await temporaryFolder(), 'cut.csv')
    await writeCsv(path, { log_prob: [-2345.6789, -1.5, -2345.6789], lid: [3, 4, 55] })
    const whole = await readFile(path, 'utf8')
    for (let length = 1; length < whole.length; length++) {
      await writeFile(path, whole.slice(0, length))
      if (whole[length - 1] === '\n') {
        expect((await readCsv(path)).data.shape[0]).toBe(whole.slice(0, length).split('\n').length - 2)
      } else await expectError(readCsv(path), 'E_FILE', /^.*cut\.csv.*: expected .*, got /)
    }
    await writeFile(path, 'log_prob\n-2345')
    await expectError(readCsv(path), 'E_FILE', /cut\.csv: expected a line end after the last row, .*was it cut\?/)
    expect([...(await readCsv(path, { finalNewline: 'optional' })).data.data]).toEqual([-2345])
    await writeFile(path, 'a,b\n1,2\n3')
    await expectError(readCsv(path, { finalNewline: 'optional' }), 'E_FILE', /row 2: expected 2 cells, got 1/)
    await expectError(
      readCsv(path, { finalNewline: true as never }),
      'E_ARGUMENT',
      /finalNewline: expected required or/,
    )
  })

  it('reads quotes, line ends of every kind, a byte-order mark, and refuses other text than UTF-8', async () => {
    const path = join(await temporaryFolder(), 'q.csv')
    await writeFile(path, '\ufeff"a","b ""x"",\n"\r"1","2"\r\n-3,"4.5"\n')
    expect(await readCsv(path)).toMatchObject({ columns: ['a', 'b "x",\n'] })
    expect([...(await readCsv(path)).data.data]).toEqual([1, 2, -3, 4.5])
    await writeFile(path, 'a\n"1"2\n')
    await expectError(readCsv(path), 'E_FILE', /row 1: expected a comma or line end after a closing quote, got 2/)
    await writeFile(path, Uint8Array.of(0x61, 0x0a, 0xff, 0x0a))
    await expectError(readCsv(path), 'E_FILE', /q\.csv: expected text in UTF-8, got other bytes/)
  })

  it('takes time linear in columns, quotes and rows', async () => {
    const path = join(await temporaryFolder(), 'wide.csv')
    const wide = 100_000
    const names = Array.from({ length: wide }, (_, i) => `column_${i}`)
    await writeFile(path, `${names.join(',')}\n${'1,'.repeat(wide - 1)}2\n${'3,'.repeat(wide - 1)}4\n`)
    const started = performance.now()
    const { data } = await readCsv(path)
    expect(data.shape).toEqual([2, wide])
    expect([data.get(0, wide - 1), data.get(1, 0)]).toEqual([2, 3])
    await writeFile(path, `a\n"${'x\n'.repeat(7_000_000)}`)
    await expectError(readCsv(path), 'E_FILE', /wide\.csv row 1: expected a closing quote, got the end of the file/)
    await writeFile(path, `a\n"${'""'.repeat(1_000_000)}`)
    await expectError(readCsv(path), 'E_FILE', /wide\.csv row 1: expected a closing quote/)
    await writeFile(path, `a\n"${'x'.repeat(2 ** 24 + 70_000)}"\n`)
    await expectError(readCsv(path), 'E_FILE', /row 1: expected at most 16777216 characters, got an open quote/)
    // Seconds on a busy machine; the old reader took minutes.
    expect(performance.now() - started).toBeLessThan(20_000)
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

  it('writes BigInts whole, empty text quoted, and refuses what is neither number nor text', async () => {
    const path = join(await temporaryFolder(), 'x.csv')
    await writeCsv(path, { id: BigInt64Array.of(2n ** 62n, -1n), note: ['', 'é'] })
    expect(await readFile(path, 'utf8')).toBe('id,note\n4611686018427387904,""\n-1,é\n')
    for (const bad of [null, undefined, true, {}, [1]])
      await expectError(
        writeCsv(path, { a: [1, bad] as number[] }),
        'E_ARGUMENT',
        /writeCsv column a row 2: expected a number or text, got /,
      )
    await expectError(writeCsv(path, {}), 'E_SHAPE', /writeCsv: expected at least one column, got none/)
    expect(await readFile(path, 'utf8')).toMatch(/^id,note/)
  })

  it('replaces the file whole, leaves nothing half-written, and refuses ragged columns', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'sub', 'x.csv')
    await writeCsv(path, { a: [1], b: ['x, "y"'] })
    expect(await readFile(path, 'utf8')).toBe('a,b\n1,"x, ""y"""\n')
    await writeCsv(path, { a: [2] })
    expect(await readFile(path, 'utf8')).toBe('a\n2\n')
    await expectError(writeCsv(path, { a: [1], b: [1, 2] }), 'E_SHAPE', /writeCsv column b: expected 1 values like a/)
    await expectError(
      writeCsv(join(path, 'below-a-file.csv'), { a: [1] }),
      'E_FILE',
      /x\.csv: expected a folder, got a file/,
    )
    expect(await readFile(path, 'utf8')).toBe('a\n2\n')
    expect(await readdir(join(folder, 'sub'))).toEqual(['x.csv'])
  })
})
