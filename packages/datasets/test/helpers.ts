// What the reader tests share: fixtures, golden values, temporary folders, and the one-line errors they expect.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OodError, type OodErrorCode } from '@ood/core'
import { expect, onTestFinished } from 'vitest'
import type { RawArray } from '../src/index.ts'

/** Path of a fixture. */
export function fixture(...parts: string[]): string {
  return fileURLToPath(new URL(`fixtures/${parts.join('/')}`, import.meta.url))
}

interface GoldenArray {
  shape: number[]
  data: (number | string)[]
}

interface Golden {
  idx: Record<string, GoldenArray>
  npy: Record<string, GoldenArray>
  npz: Record<string, Record<string, GoldenArray>>
  images: Record<string, { size: [number, number]; rgb: number[]; grey: number[] }>
  resize: { size: [number, number]; rgb: number[] }[]
  csv: Record<string, { columns: string[]; data: number[] }>
}

/** Expected contents of the fixtures, written by their generator. */
export const golden: Golden = JSON.parse(await readFile(fixture('golden.json'), 'utf8'))

/** Equal in shape and in every number, NaN and infinities included. */
export function expectArray(got: RawArray, expected: GoldenArray): void {
  expect(got.shape).toEqual(expected.shape)
  const wide = got.data instanceof BigInt64Array || got.data instanceof BigUint64Array
  const special: Record<string, number> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity }
  expect(Array.from<number | bigint>(got.data)).toEqual(
    expected.data.map((v) => (wide ? BigInt(v) : typeof v === 'string' ? special[v] : v)),
  )
}

/** Equal byte for byte: vitest's toEqual takes seconds on arrays of this size. */
export function expectSameBytes(got: ArrayBufferView, expected: ArrayBufferView): void {
  const bytes = (view: ArrayBufferView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength)
  expect(got.byteLength).toBe(expected.byteLength)
  expect(bytes(got).equals(bytes(expected))).toBe(true)
}

/** A folder that is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ood-datasets-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The promise must fail with an OodError of this code and a one-line message that matches. */
export async function expectError(run: Promise<unknown>, code: OodErrorCode, message: RegExp): Promise<void> {
  const error: unknown = await run.then(
    () => 'no error',
    (e: unknown) => e,
  )
  expect(error).toBeInstanceOf(OodError)
  expect((error as OodError).message).toMatch(message)
  expect((error as OodError).message).not.toContain('\n')
  expect((error as OodError).code).toBe(code)
}
