// `run.jsonl`: what happened in a run, one JSON object a line, only ever appended to and flushed line by line.
import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, truncateSync, writeSync } from 'node:fs'
import { OodError } from '@ood/core'
import { readBoundedSync } from '@ood/core/node'

/** A run of a million events is far below. */
const MAX_BYTES = 2 ** 29

/** One line of `run.jsonl`. */
export interface RunEvent {
  /** When, ISO 8601 in UTC. */
  time: string
  /** `open`, `batch`, `step`, `step-redone`, `file`, `finish`, or a word of the caller. */
  type: string
  [field: string]: unknown
}

/** The open journal of one run. */
export interface Journal {
  /** Every event so far, oldest first. */
  readonly events: readonly RunEvent[]
  /** Appends one event and returns when it is on the disk. */
  append(type: string, fields?: Record<string, unknown>): void
  close(): void
}

/**
 * Opens (or begins) the journal at `path`. A last line without a newline is what a kill in the middle of a write
 * leaves: it is cut off. Anything else that is not JSON is an error naming the line.
 *
 * @throws OodError `E_FILE` for a damaged line
 */
export function openJournal(path: string): Journal {
  const events = existsSync(path) ? readJournal(path, true) : []
  const handle = openSync(path, 'a')
  let closed = false
  return {
    events,
    append(type, fields = {}) {
      // The handle's number may by now belong to another file.
      if (closed) throw new OodError('E_ARGUMENT', `${path}: expected an open run, got one that was closed`)
      const event: RunEvent = { time: new Date().toISOString(), type, ...fields }
      const line = Buffer.from(`${JSON.stringify(event)}\n`)
      const { size } = fstatSync(handle)
      try {
        for (let from = 0; from < line.length; ) from += writeSync(handle, line, from)
        fsyncSync(handle)
      } catch (cause) {
        // Half a line, as a full disk leaves it, would spoil the next one.
        ftruncateSync(handle, size)
        throw cause
      }
      events.push(event)
    },
    close() {
      if (!closed) closeSync(handle)
      closed = true
    },
  }
}

/** Reads the events at `path`; `repair` also cuts a half-written last line off the file. */
export function readJournal(path: string, repair = false): RunEvent[] {
  const read = readBoundedSync(path, MAX_BYTES)
  const bytes = Buffer.from(read.buffer, read.byteOffset, read.length)
  const whole = bytes.lastIndexOf(10) + 1
  if (repair && whole < bytes.length) truncateSync(path, whole)
  const lines = bytes.subarray(0, whole).toString('utf8').split('\n').slice(0, -1)
  return lines.map((line, i) => {
    try {
      const event = JSON.parse(line) as RunEvent
      if (typeof event?.type !== 'string') throw new Error('no type')
      return event
    } catch (cause) {
      const shown = line.length > 60 ? `${line.slice(0, 60)}...` : line
      throw new OodError('E_FILE', `${path} line ${i + 1}: expected one JSON event, got ${shown || 'an empty line'}`, {
        cause,
      })
    }
  })
}
