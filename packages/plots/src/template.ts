// Text with places for values, in a part of Mustache: {{name}}, {{#name}}...{{/name}} and {{^name}}...{{/name}}.
import { mismatch, unknownName } from '@ood/core'

/** Values of a template by name. */
export type TemplateValues = Readonly<Record<string, unknown>>

type Part = string | { kind: '' | '#' | '^'; name: string; inside: Part[] }

// A tag that opens or closes a part, alone on its line, takes the line with it.
const TAG = /^[ \t]*\{\{([#^/]) *([\w.-]+) *\}\}[ \t]*(?:\n|$)|\{\{([#^/]?) *([\w.-]+) *\}\}/gm

/**
 * `text` with its `{{name}}` replaced. `{{#name}}...{{/name}}` stands once for every item of a list, once for any other
 * value that is there, and not at all for `undefined`, `null`, `false`, 0, `''` and `[]`; `{{^name}}...{{/name}}` stands
 * for those alone. Inside, names are first looked up in the item, then outside; `{{a.b}}` is the `b` of `a`.
 *
 * @param write - text of a value in the place `{{name}}` (default: `String`, nothing for `undefined` and `null`)
 * @throws OodError `E_UNKNOWN_NAME` for a name that no value has, `E_ARGUMENT` for parts that are not closed
 * @example
 * fillTemplate('{{#all}}{{name}}: {{auc}} {{/all}}', { all: [{ name: 'log p', auc: 0.2 }] }) // 'log p: 0.2 '
 */
export function fillTemplate(
  text: string,
  values: TemplateValues,
  write: (value: unknown, name: string) => string = (value) => String(value ?? ''),
): string {
  const fill = (parts: readonly Part[], scopes: readonly TemplateValues[]): string =>
    parts
      .map((part) => {
        if (typeof part === 'string') return part
        const value = lookUp(part.name, scopes)
        if (part.kind === '') return write(value, part.name)
        const isAbsent = !value || (Array.isArray(value) && value.length === 0)
        if (part.kind === '^') return isAbsent ? fill(part.inside, scopes) : ''
        if (isAbsent) return ''
        const items: readonly unknown[] = Array.isArray(value) ? value : [value]
        return items.map((item) => fill(part.inside, isObject(item) ? [item, ...scopes] : scopes)).join('')
      })
      .join('')
  return fill(partsOf(text), [values])
}

function isObject(value: unknown): value is TemplateValues {
  return typeof value === 'object' && value !== null
}

function lookUp(path: string, scopes: readonly TemplateValues[]): unknown {
  const [first, ...rest] = path.split('.') as [string, ...string[]]
  const known = scopes.flatMap((scope) => Object.keys(scope))
  const scope = scopes.find((each) => Object.hasOwn(each, first))
  if (!scope) throw unknownName('template value', path, known)
  return rest.reduce<unknown>((value, key) => {
    if (!isObject(value) || !Object.hasOwn(value, key))
      throw unknownName('template value', path, isObject(value) ? Object.keys(value) : [])
    return value[key]
  }, scope[first])
}

function partsOf(text: string): Part[] {
  const open: { name: string; inside: Part[] }[] = [{ name: '', inside: [] }]
  let end = 0
  for (const match of text.matchAll(TAG)) {
    const kind = (match[1] ?? match[3]) as '' | '#' | '^' | '/'
    const name = (match[2] ?? match[4])!
    const { inside, name: last } = open.at(-1)!
    inside.push(text.slice(end, match.index))
    end = match.index + match[0].length
    if (kind === '/') {
      if (name !== last || open.length === 1)
        throw mismatch('E_ARGUMENT', 'template', last === '' ? 'an opening tag first' : `{{/${last}}}`, `{{/${name}}}`)
      open.pop()
    } else {
      const part = { kind, name, inside: [] }
      inside.push(part)
      if (kind !== '') open.push(part)
    }
  }
  const { inside, name } = open.at(-1)!
  if (open.length > 1) throw mismatch('E_ARGUMENT', 'template', `{{/${name}}}`, 'the end of the text')
  inside.push(text.slice(end))
  return inside
}
