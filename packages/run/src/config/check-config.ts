// Configurations and options checked against a zod schema, with the one-line errors of the house.
import { mismatch } from '@ood/core'
import type { z } from 'zod'

/**
 * The checked value, with the schema's defaults and conversions applied.
 *
 * @param schema - a zod schema; use `z.strictObject` so that misspelt keys are errors
 * @param value - what was read from YAML, JSON or the command line
 * @param what - named in errors: a file, `config`, `options`
 * @throws OodError `E_ARGUMENT` naming the first wrong key, what was expected and what was there
 * @example
 * const schema = z.strictObject({ n: z.int().min(1).default(64), scale: z.number().optional() })
 * const config = checkConfig(schema, readConfig('run.yaml'), 'run.yaml') // { n: 64 }
 */
export function checkConfig<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  const where = [what, ...issue.path.map(String)].join(' ')
  if (issue.code === 'unrecognized_keys') throw mismatch('E_ARGUMENT', where, 'known keys only', issue.keys.join(', '))
  const got = issue.path.reduce<unknown>(
    (node, key) => (node as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  )
  throw mismatch('E_ARGUMENT', where, expectation(issue.message), got)
}

/** zod says `Invalid input: expected number, received string`; the house says what was received by itself. */
function expectation(message: string): string {
  const text = message.replace(/^(Invalid input|Invalid option|Too small|Too big): /, '').replace(/, received .*$/, '')
  return text.replace(/^expected /, '').replace(/^\w+ to be (?=[<>]=?)/, 'a value ')
}
