// The one error type of every ood package: a stable code for programs and one clear line for people.
import { edits } from './edits.ts'

/** What went wrong, for programs: a stable word that messages may be reworded around. */
export type OodErrorCode =
  | 'E_ARGUMENT' // a value a caller passed
  | 'E_SHAPE' // a tensor or list of the wrong size
  | 'E_NOT_FINITE' // NaN or infinity where a number is needed
  | 'E_EMPTY' // nothing to work on
  | 'E_FILE' // a file that is missing, truncated or not what it says
  | 'E_CHECKSUM' // contents that differ from their recorded hash
  | 'E_MANIFEST' // a checkpoint manifest that is wrong or does not match its graphs
  | 'E_UNKNOWN_NAME' // a data set, model, device ... that is not registered
  | 'E_UNSUPPORTED' // an operator, type or device this build cannot handle
  | 'E_NOT_FITTED' // score or predict before fit or inferThreshold
  | 'E_NETWORK' // a download that failed
  | 'E_ABORTED' // stopped by the caller's signal
  | 'E_RUNTIME' // the inference engine failed

/** Longest message: one line that fits a terminal's few rows, whatever a file or a user put into it. */
const MAX_MESSAGE = 299

/**
 * Error thrown by every ood package. The message is one line of the form `what: expected X, got Y`, below 300
 * characters: in a longer one long words (paths) lose their middle first, then the line does, and control characters
 * become spaces.
 *
 * @example
 * throw new OodError('E_SHAPE', 'logProb: expected shape [N, 1, 28, 28], got [N, 784]')
 */
export class OodError extends Error {
  readonly code: OodErrorCode
  constructor(code: OodErrorCode, message: string, options?: { cause?: unknown }) {
    super(middleCut(shortenWords(oneLine(message), MAX_MESSAGE), MAX_MESSAGE), options)
    this.name = 'OodError'
    this.code = code
  }
}

/**
 * Builds the house form of an error: `what: expected X, got Y`. Where the line would be too long its parts are cut to
 * share the room: of `what` the middle goes (a path keeps its file name), of the others the end.
 */
export function mismatch(code: OodErrorCode, what: string, expected: string, got: unknown): OodError {
  const parts = [oneLine(what), oneLine(expected), show(got)]
  const share = fairShare(
    parts.map((part) => part.length),
    MAX_MESSAGE - ': expected , got '.length,
  )
  const [a, b, c] = [middleCut(parts[0]!, share), endCut(parts[1]!, share), endCut(parts[2]!, share)]
  return new OodError(code, `${a}: expected ${b}, got ${c}`)
}

/**
 * `what: expected one of a, b, c, got x`. Where so many names would not fit a line, it says how many there are and gives
 * those nearest to `got`, whole.
 */
export function unknownName(what: string, got: string, known: readonly string[]): OodError {
  const all = known.join(', ')
  const whole = mismatch('E_UNKNOWN_NAME', what, `one of ${all}`, got)
  if (whole.message.includes(oneLine(all))) return whole
  return mismatch('E_UNKNOWN_NAME', what, `one of ${known.length} names such as ${nearestOf(got, known)}`, got)
}

/** Most characters of names given for an unknown one: leaves room for what and got. */
const MAX_NAMES = 140

/** The names nearest to `got` that fit; of very many, the first ones, for finding the nearest would take too long. */
function nearestOf(got: string, known: readonly string[]): string {
  const key = (word: string): string => word.slice(0, 64).toLowerCase()
  const ordered =
    known.length > 1000
      ? known
      : known
          .map((name) => ({ name, distance: edits(key(got), key(name)) }))
          .sort((a, b) => a.distance - b.distance)
          .map(({ name }) => name)
  let list = ordered[0]!
  for (const name of ordered.slice(1)) {
    if (list.length + name.length > MAX_NAMES) break
    list += `, ${name}`
  }
  return list
}

/** Most characters of a value that an error line shows. */
const MAX_SHOWN = 200

/** Short printable form of any value for an error line; lists are shown two deep, so nesting costs nothing. */
function show(value: unknown, depth = 0): string {
  if (typeof value === 'string') return value === '' ? 'an empty string' : endCut(oneLine(value), MAX_SHOWN)
  if (typeof value === 'bigint') return value < 2n ** 64n && value > -(2n ** 64n) ? String(value) : 'a huge bigint'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) {
    if (depth === 2) return value.length === 0 ? '[]' : '[...]'
    const shown = value.slice(0, 8).map((entry) => show(entry, depth + 1))
    return endCut(`[${shown.join(', ')}${value.length > 8 ? ', ...' : ''}]`, MAX_SHOWN)
  }
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`
  return typeof value
}

/** Control characters and line ends would break the line; at most a little more than can be shown is looked at. */
function oneLine(text: string): string {
  const head = text.length > 4096 ? `${text.slice(0, 2048)}...${text.slice(-2048)}` : text
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
  return head.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ')
}

/** The first characters of a longer text. */
function endCut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}...` : text
}

/** The first and last characters of a longer text. */
function middleCut(text: string, most: number): string {
  if (text.length <= most) return text
  const kept = most - '...'.length
  return `${text.slice(0, Math.floor(kept / 3))}...${text.slice(text.length - (kept - Math.floor(kept / 3)))}`
}

/** Characters that a word keeps when its line is too long: enough for a file name and the folder it lies in. */
const LONG_WORD = 48

/**
 * Takes characters out of long words, the longest first, until the line fits: a folder deep in a disk, named twice, must
 * not push out what was expected of it.
 */
function shortenWords(text: string, most: number): string {
  if (text.length <= most) return text
  const words = text.split(' ')
  let over = text.length - most
  for (const i of [...words.keys()].sort((a, b) => words[b]!.length - words[a]!.length)) {
    const { length } = words[i]!
    if (over <= 0 || length <= LONG_WORD) break
    words[i] = middleCut(words[i]!, Math.max(LONG_WORD, length - over))
    over -= length - words[i]!.length
  }
  return words.join(' ')
}

/** The most that every part may have so that all together fit: short parts leave their room to the long ones. */
function fairShare(lengths: readonly number[], room: number): number {
  const ascending = [...lengths].sort((a, b) => a - b)
  let left = room
  for (const [i, length] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - i))
    // Three characters are kept for the dots of a cut part.
    if (length > share) return share - '...'.length
    left -= length
  }
  return room
}
