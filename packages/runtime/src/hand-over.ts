// Lets a pool task return buffers without copying them.
import type { Transferable } from 'node:worker_threads'

/** Marks a hand-over whichever copy of this package made it. */
const MARK: symbol = Symbol.for('@ood/runtime handOver')

/** A task's result together with the buffers that move to the caller. */
export interface HandOver<T = unknown> {
  readonly value: T
  readonly transfer: readonly Transferable[]
}

/**
 * Wraps the result of a pool task so that the memory of `arrays` is moved to the caller instead of copied.
 * The task must not use them afterwards.
 *
 * @example
 * export function zeros(n: number) {
 *   const data = new Float64Array(n)
 *   return handOver(data, [data])
 * }
 */
export function handOver<T>(value: T, arrays: readonly ArrayBufferView[]): HandOver<T> {
  // Shared memory is not moved but shared, and a buffer may be listed only once.
  const buffers = new Set(arrays.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer))
  return Object.assign({ value, transfer: [...buffers] }, { [MARK]: true })
}

/** Whether a task returned `handOver(...)`. */
export function isHandOver(result: unknown): result is HandOver {
  return typeof result === 'object' && result !== null && MARK in result
}
