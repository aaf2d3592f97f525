// `config.yaml`: the resolved configuration of a run, and the line that says where another one differs.
import { existsSync } from 'node:fs'
import { canonicalJson, mismatch, OodError } from '@ood/core'
import { readBoundedSync } from '@ood/core/node'
import { parseDocument, stringify } from 'yaml'

/** A configuration is a page; anything of this size is some other file. */
const MAX_BYTES = 2 ** 20
/** A sign of YAML's own, or with blanks between, a thousand times in a row: no configuration, and slow to refuse. */
const RUN = /([[\]{},:?&*!|>%@`"'-])(?: ?\1){999}/
/** Levels of nesting: a configuration has a handful, and the parser's time is quadratic in them. */
const MAX_DEPTH = 100

/**
 * The YAML text of a configuration: a plain tree of JSON values, finite numbers only.
 *
 * @throws OodError `E_ARGUMENT` for a value that would not be read back as it was
 */
export function configYaml(config: unknown): string {
  const text = stringify(config)
  const lost = firstDifference(config, parseDocument(text).toJS(), '')
  if (lost) throw mismatch('E_ARGUMENT', `config${lost.path}`, 'a value YAML can hold', lost.expected)
  return text
}

/**
 * Reads a configuration file.
 *
 * @throws OodError `E_FILE` when it is missing, not UTF-8 or not YAML (with line and column), or names an alias or tag
 *   that is not there
 */
export function readConfig(path: string): unknown {
  if (!existsSync(path)) throw new OodError('E_FILE', `${path}: expected a configuration file, got nothing`)
  const bytes = readBoundedSync(path, MAX_BYTES)
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (depth(text) > MAX_DEPTH) throw new Error(`more than ${MAX_DEPTH} levels of nesting`)
    // The parser goes on after an error and collects all of them, which takes quadratic time for a long run of one.
    if (RUN.test(text)) throw new Error('one sign of punctuation a thousand times')
    const document = parseDocument(text)
    // A warning is a tag that YAML does not know: its value would be read as something else.
    const wrong = document.errors[0] ?? document.warnings[0]
    if (wrong) throw wrong
    return document.toJS()
  } catch (cause) {
    const [line = ''] = (cause as Error).message.split('\n')
    throw new OodError('E_FILE', `${path}: expected YAML, got ${line.slice(0, 200)}`, { cause })
  }
}

/** Most levels of nesting that the text can open: brackets not in quotes, dashes and indentation of a line. */
function depth(text: string): number {
  let most = 0
  let open = 0
  for (const line of text.split('\n')) {
    const lead = /^(?: |- |\? |: )*/.exec(line)![0]
    most = Math.max(most, (lead.match(/[-?:]/g)?.length ?? 0) + Math.floor((lead.match(/ /g)?.length ?? 0) / 2))
    let quote = ''
    for (let i = lead.length; i < line.length; i++) {
      const c = line[i]!
      if (quote) {
        if (c === '\\' && quote === '"') i++
        else if (c === quote) quote = ''
      } else if (c === '"' || c === "'") quote = c
      else if (c === '#' && line[i - 1] === ' ') break
      else if (c === '[' || c === '{') most = Math.max(most, ++open)
      else if (c === ']' || c === '}') open = Math.max(0, open - 1)
    }
  }
  return most
}

/** Where two configurations first differ, in the words of an error line, or `undefined` when they are equal. */
export function firstDifference(
  expected: unknown,
  got: unknown,
  path = '',
): { path: string; expected: string; got: string } | undefined {
  if (isTree(expected) && isTree(got) && Array.isArray(expected) === Array.isArray(got)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(got)])
    for (const key of keys) {
      const found = firstDifference(
        expected[key],
        got[key],
        Array.isArray(expected) ? `${path}[${key}]` : `${path}.${key}`,
      )
      if (found) return found
    }
    return undefined
  }
  if (same(expected, got)) return undefined
  return { path, expected: show(expected), got: show(got) }
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function same(a: unknown, b: unknown): boolean {
  return a === b || (typeof a !== 'number' && typeof b !== 'number' && canonicalJson(a) === canonicalJson(b))
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  return typeof value === 'object' || typeof value === 'string' ? (JSON.stringify(value) ?? 'nothing') : String(value)
}
