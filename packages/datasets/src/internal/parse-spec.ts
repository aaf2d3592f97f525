// Turns one entry of a preprocessing list, which may come straight from JSON, into a checked step.
import { mismatch, unknownName } from '@ood/core'
import { scale, standardize, unit, zeroCenter } from '../transforms/affine.ts'
import { logit, symmetricLogit } from '../transforms/logit.ts'
import { dequantize, gaussianNoise, uniformNoise } from '../transforms/noise.ts'
import { flatten, identity } from '../transforms/reshape.ts'
import type { TransformSpec } from '../transforms/types.ts'
import type { Step } from './step.ts'

type Name = TransformSpec['name']

/** Reads the parameters of one spec, with defaults and checks. */
class Parameters {
  private readonly used = new Set(['name'])
  private readonly values: Readonly<Record<string, unknown>>
  private readonly where: string

  constructor(values: Readonly<Record<string, unknown>>, where: string) {
    this.values = values
    this.where = where
  }

  take<T>(key: string, fallback: T | undefined, expected: string, ok: (value: unknown) => value is T): T {
    this.used.add(key)
    const value = this.values[key] ?? fallback
    if (!ok(value)) throw mismatch('E_ARGUMENT', `${this.where}.${key}`, expected, this.values[key])
    return value
  }

  number(key: string, fallback: number | undefined, expected: string, ok: (value: number) => boolean): number {
    return this.take(key, fallback, expected, (v): v is number => typeof v === 'number' && Number.isFinite(v) && ok(v))
  }

  levels(): number {
    return this.number('levels', 256, 'an integer >= 2', (v) => Number.isInteger(v) && v >= 2)
  }

  /** One number or a list of them. */
  numbers(key: string, expected: string, ok: (value: number) => boolean): number | readonly number[] {
    const good = (v: unknown): v is number => typeof v === 'number' && Number.isFinite(v) && ok(v)
    return this.take(
      key,
      undefined,
      expected,
      (v): v is number | number[] => good(v) || (Array.isArray(v) && v.length > 0 && v.every(good)),
    )
  }

  oneOf<T extends string>(key: string, choices: readonly T[]): T | undefined {
    this.used.add(key)
    const value = this.values[key]
    if (value === undefined) return undefined
    const found = choices.find((choice) => choice === value)
    if (found === undefined) throw mismatch('E_ARGUMENT', `${this.where}.${key}`, `one of ${choices.join(', ')}`, value)
    return found
  }

  /** Refuses parameters nobody read: a misspelt `alpha` must not silently become the default. */
  done(): void {
    for (const key of Object.keys(this.values)) {
      if (!this.used.has(key)) {
        const known = [...this.used].filter((k) => k !== 'name').join(', ') || 'no parameter'
        throw mismatch('E_ARGUMENT', `${this.where} parameter`, known, key)
      }
    }
  }
}

const makers: Readonly<Record<Name, (p: Parameters) => Step>> = {
  dequantize: (p) => dequantize(p.levels(), p.oneOf('input', ['bytes', 'unit']) ?? 'bytes'),
  'uniform-noise': (p) => uniformNoise(p.levels()),
  'gaussian-noise': (p) => gaussianNoise(p.number('std', undefined, 'a number >= 0', (v) => v >= 0)),
  unit: (p) => unit(p.levels()),
  scale: (p) => {
    const range = p.take(
      'range',
      [0, 1] as const,
      'two different numbers',
      (v): v is readonly [number, number] =>
        Array.isArray(v) && v.length === 2 && v.every((n) => Number.isFinite(n)) && v[0] !== v[1],
    )
    return scale(p.levels(), range)
  },
  'zero-center': () => zeroCenter(),
  standardize: (p) =>
    standardize(
      p.numbers('mean', 'a number or a list of numbers', () => true),
      p.numbers('std', 'a positive number or a list of them', (v) => v > 0),
    ),
  logit: (p) =>
    logit(
      p.number('alpha', 0.05, 'a number in [0, 1)', (v) => v >= 0 && v < 1),
      p.number('eps', 1e-6, 'a number >= 0', (v) => v >= 0),
      p.oneOf('compat', ['geometry', 'ood-detection']),
    ),
  'symmetric-logit': (p) =>
    symmetricLogit(
      p.number('c', 0.9, 'a number in (0, 1]', (v) => v > 0 && v <= 1),
      p.oneOf('compat', ['reference']),
    ),
  flatten: (p) =>
    flatten(
      p.take(
        'shape',
        undefined,
        'a list of positive integers',
        (v): v is readonly number[] | undefined =>
          v === undefined || (Array.isArray(v) && v.length > 0 && v.every((n) => Number.isInteger(n) && n > 0)),
      ),
    ),
  identity: () => identity(),
}

/** The step of one spec; `where` names it in errors, like `preprocessing[1]`. */
export function stepOf(spec: TransformSpec, where: string): Step {
  if (typeof spec !== 'object' || spec === null || typeof spec.name !== 'string') {
    throw mismatch('E_ARGUMENT', where, 'an object with a name', spec)
  }
  if (!Object.hasOwn(makers, spec.name)) throw unknownName(`${where}.name`, spec.name, Object.keys(makers))
  const parameters = new Parameters(spec as unknown as Readonly<Record<string, unknown>>, `${where} (${spec.name})`)
  const step = makers[spec.name](parameters)
  parameters.done()
  return step
}
