// The coverage table in packages/onnx/README.md, from the rule tables: `npx tsx --conditions=@ood/source tools/onnx-coverage.ts`.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { jvp, type Model, toFloat64, vjp } from '@ood/onnx'
import { float32Only, throughLowering } from '../packages/onnx/src/float64/table.ts'
import { type Coverage, coverage as derivatives } from '../packages/onnx/src/lower/coverage.ts'
import { buildCase, operatorCases } from '../packages/onnx/test/operators/cases.ts'

export const README: string = fileURLToPath(new URL('../packages/onnx/README.md', import.meta.url))
const START = '<!-- coverage: written by tools/onnx-coverage.ts -->'
const END = '<!-- end of coverage -->'

/** The standard's operators, and those another library documents. */
interface Known {
  standard: { operators: string[] }
  'onnx-ad': { version: string; operators: string[]; unreleased: string[]; unreleasedSource: string }
}
const known = JSON.parse(readFileSync(new URL('./onnx-operators.json', import.meta.url), 'utf8')) as Known
const peer = known['onnx-ad']

type Built = { model: Model; wrt: string[] }

/** The README's text with the table of today. */
export function withCoverage(readme: string): string {
  const [before, rest] = readme.split(START)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error(`README: expected ${START} and ${END}`)
  return `${before}${START}\n${coverage()}\n${END}${after}`
}

/** The section, as Markdown. */
export function coverage(): string {
  const cases = casesByOperator()
  const names = known.standard.operators
  const rows = names.map((op) => row(op, derivatives[op], cases.get(op) ?? []))
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const here = names.filter((op) => carries(derivatives[op]))
  const missing = here.filter((op) => !peer.operators.includes(op))
  const later = missing.filter((op) => peer.unreleased.includes(op))
  const others = Object.keys(derivatives).filter((op) => op.startsWith('com.microsoft.'))
  return [
    `${names.length} operators of the default domain up to operator set 28: ${here.length} carry a derivative, ${names.filter((op) => isZero(derivatives[op])).length} have none by nature (0), ${names.filter((op) => !derivatives[op] || derivatives[op].how === 'refused').length} are refused. onnx-ad ${peer.version} documents no rule for ${missing.length} of the ${here.length}; its repository announces ${later.length} of these for the next version ("next").`,
    '',
    line(['operator', 'jvp', 'vjp', 'float64', `onnx-ad ${peer.version}`, 'how, limits']),
    line(['---', ':-:', ':-:', ':-:', ':-:', '---']),
    ...rows.map(line),
    '',
    `Also, as onnxruntime's optimizer and exporters write them: ${others.map((op) => `\`${op}\``).join(', ')}.`,
  ].join('\n')
}

function row(op: string, entry: Coverage | undefined, cases: readonly Built[]): string[] {
  const how = entry?.how ?? 'refused'
  const mark = (works: boolean): string => (how === 'zero' ? '0' : works ? 'yes' : '-')
  // A table may claim what the code does not do: every test case with the operator must be differentiated.
  if (how !== 'refused') for (const built of cases) check(op, built)
  const text = [how === 'rule' || how === 'zero' ? '' : how, entry?.note ?? ''].filter((part) => part !== '').join(': ')
  return [op, mark(entry?.jvp ?? false), mark(entry?.vjp ?? false), float64(op, cases), documented(op), text]
}

function carries(entry: Coverage | undefined): boolean {
  return entry?.how === 'rule' || entry?.how === 'lowering'
}

function isZero(entry: Coverage | undefined): boolean {
  return entry?.how === 'zero'
}

function check(op: string, { model, wrt }: Built): void {
  for (const [mode, derive] of [['jvp', jvp] as const, ['vjp', vjp] as const]) {
    try {
      derive(model, { wrt })
    } catch (cause) {
      throw new Error(`coverage of ${op}: expected ${mode} of its test cases, got an error`, { cause })
    }
  }
}

/** Every operator a test case contains, also inside its own small graph. */
function casesByOperator(): Map<string, Built[]> {
  const found = new Map<string, Built[]>()
  for (const c of operatorCases) {
    const built = buildCase(c)
    for (const op of new Set([c.op, ...built.model.graph.nodes.map((node) => node.opType)]))
      found.set(op, [...(found.get(op) ?? []), built])
  }
  return found
}

/** Whether an operator runs in float64, by a kernel or another form; blank where no test case has it. */
function float64(op: string, cases: readonly Built[]): string {
  if (float32Only.includes(op)) return '-'
  if (throughLowering.includes(op)) return 'yes'
  if (cases.length === 0) return ''
  const works = cases.filter(({ model }) => {
    try {
      return toFloat64(model).graph.nodes.length > 0
    } catch {
      return false
    }
  })
  return works.length === cases.length ? 'yes' : works.length > 0 ? 'some' : '-'
}

function documented(op: string): string {
  return peer.operators.includes(op) ? 'yes' : peer.unreleased.includes(op) ? 'next' : '-'
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(README, withCoverage(readFileSync(README, 'utf8')))
}
