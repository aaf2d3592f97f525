// Images that could not be read and were left out, as results and reports keep them.
import type { Skipped } from './images.ts'

/** How many images of a set were left out, and why the first ones were. */
export type SkippedImages = Record<string, { count: number; reasons: string[] }>

/** Reasons that are kept of one set. */
const REASONS = 5

/** Adds what was left out of a set, if anything was. */
export function keepSkipped(all: SkippedImages, set: string, left: Skipped): void {
  if (left.length > 0) all[set] = { count: left.length, reasons: left.slice(0, REASONS).map(({ reason }) => reason) }
}
