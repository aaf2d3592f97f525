// Small checks on parsed JSON that know where they are, so that an error can name file and field.
import { mismatch } from '@ood/core'

/** A value and where it stands: `graphs.encode.file` of `manifest.json`. */
export interface Field<T = unknown> {
  file: string
  path: string
  value: T
}

function fail(field: Field, expected: string): Error {
  return mismatch('E_MANIFEST', `${field.file} ${field.path || '(top)'}`, expected, field.value)
}

/** A field that must be an object. */
export function object(field: Field): Field<Record<string, unknown>> {
  const { value } = field
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail(field, 'an object')
  return field as Field<Record<string, unknown>>
}

/** The required member `name` of an object. */
export function at(parent: Field<Record<string, unknown>>, name: string): Field {
  const field = member(parent, name)
  if (field.value === undefined) throw fail(field, 'a value')
  return field
}

/** All members of an object. */
export function fields(parent: Field<Record<string, unknown>>): Field[] {
  return Object.keys(parent.value).map((name) => member(parent, name))
}

function member(parent: Field<Record<string, unknown>>, name: string): Field {
  return {
    file: parent.file,
    path: parent.path ? `${parent.path}.${name}` : name,
    value: Object.hasOwn(parent.value, name) ? parent.value[name] : undefined,
  }
}

/** The entries of a field that must be a list with at least one entry. */
export function list(field: Field): Field[] {
  if (!Array.isArray(field.value)) throw fail(field, 'a list')
  return field.value.map((value: unknown, i) => ({ file: field.file, path: `${field.path}[${i}]`, value }))
}

/** A non-empty string. */
export function string(field: Field): string {
  if (typeof field.value !== 'string' || field.value === '') throw fail(field, 'a non-empty string')
  return field.value
}

/** A finite number. */
export function number(field: Field): number {
  if (typeof field.value !== 'number' || !Number.isFinite(field.value)) throw fail(field, 'a number')
  return field.value
}

/** An integer. */
export function integer(field: Field): number {
  if (!Number.isSafeInteger(field.value)) throw fail(field, 'an integer')
  return field.value as number
}

/** A positive integer. */
export function positive(field: Field): number {
  const { value } = field
  if (!(typeof value === 'number' && Number.isSafeInteger(value) && value > 0)) throw fail(field, 'a positive integer')
  return value
}
