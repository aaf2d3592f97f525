// Configurations against schemas: defaults applied, the first mistake named.
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkConfig } from '../../src/index.ts'

const schema = z.strictObject({
  n: z.int().min(1).default(64),
  data: z.strictObject({ name: z.enum(['mnist', 'fashion-mnist']), scales: z.array(z.number()).optional() }),
})

describe('checkConfig', () => {
  it('applies defaults', () => {
    expect(checkConfig(schema, { data: { name: 'mnist' } }, 'run.yaml')).toEqual({ n: 64, data: { name: 'mnist' } })
  })

  it.each([
    [{ data: { name: 'cifar' } }, /^run\.yaml data name: expected one of "mnist"\|"fashion-mnist", got cifar$/],
    [{ n: 0, data: { name: 'mnist' } }, /^run\.yaml n: expected a value >=1, got 0$/],
    [{ n: '3', data: { name: 'mnist' } }, /^run\.yaml n: expected number, got 3$/],
    [{ data: { name: 'mnist', scales: [1, 'x'] } }, /^run\.yaml data scales 1: expected number, got x$/],
    [{ data: { name: 'mnist' }, m: 1 }, /^run\.yaml: expected known keys only, got m$/],
    [{}, /^run\.yaml data: expected object, got undefined$/],
    [null, /^run\.yaml: expected object, got null$/],
  ])('%j is an error', (value, message) => {
    expect(() => checkConfig(schema, value, 'run.yaml')).toThrowError(
      expect.objectContaining({ code: 'E_ARGUMENT', message: expect.stringMatching(message) }),
    )
  })
})
