// A program's options: values and defaults, the help of what is declared, and one line for what is not understood.
import { describe, expect, it } from 'vitest'
import { type Flag, flagsHelp, parseFlags, plainName, wholeNumber } from '../../src/index.ts'

const words: Flag<string[] | undefined> = { value: 'A,B', help: 'some words', read: (text) => text?.split(',') }
const flags = {
  n: wholeNumber('N', 64, 8, 'rows (default 64)'),
  words,
  'run-name': plainName('NAME', undefined, 'name of the run'),
  model: plainName('NAME', 'flow', 'the model'),
}

describe('parseFlags', () => {
  it.each([
    [[], { n: 64, words: undefined, 'run-name': undefined, model: 'flow' }],
    [['--n', '8', '--words', 'a,b'], { n: 8, words: ['a', 'b'], 'run-name': undefined, model: 'flow' }],
    [['--n=9', '--n=10', '--run-name', 'x.1'], { n: 10, words: undefined, 'run-name': 'x.1', model: 'flow' }],
  ])('reads %j', (argv, values) => {
    expect(parseFlags(flags, argv)).toEqual(values)
  })

  it.each([[['--help']], [['-h']], [['--n', 'wrong', '--help']]])('leaves %j to the help', (argv) => {
    expect(parseFlags(flags, argv)).toBeUndefined()
  })

  it.each([
    [['--n', '7'], '--n: expected a whole number of at least 8, got 7'],
    [['--n', '1e3'], '--n: expected a whole number of at least 8, got 1e3'],
    [['--n', ''], '--n: expected a whole number of at least 8, got an empty string'],
    [['--n', '99999999999999999999'], '--n: expected a whole number of at least 8, got 99999999999999999999'],
    [['--model', '../x'], '--model: expected a plain name, got ../x'],
    [['--modle', 'x'], "options: Unknown option '--modle' (--help lists them)"],
    [['--n'], "options: Option '--n <value>' argument missing (--help lists them)"],
    [['stray'], "options: Unexpected argument 'stray'"],
  ])('refuses %j', (argv, message) => {
    expect(() => parseFlags(flags, argv)).toThrow(message)
    expect(() => parseFlags(flags, argv)).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
  })
})

describe('flagsHelp', () => {
  it('has a line for each', () => {
    expect(flagsHelp(flags)).toBe(
      [
        '  --n N              rows (default 64)\n',
        '  --words A,B        some words\n',
        '  --run-name NAME    name of the run\n',
        '  --model NAME       the model\n',
        '  --help             this text\n',
      ].join(''),
    )
  })

  it('widens its column for a long one', () => {
    const long = { 'a-flag-of-many-letters': wholeNumber('N', 0, 0, 'long') }
    expect(flagsHelp(long)).toBe('  --a-flag-of-many-letters N  long\n  --help                      this text\n')
  })
})
