// `ood inspect`: what is in a checkpoint folder or an ONNX file.
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { OodError } from '@ood/core'
import { readBounded } from '@ood/core/node'
import type { ModelSummary } from '@ood/onnx'
import { formatTable } from '@ood/run'
import type { Manifest } from '@ood/runtime'
import { checkpointFolder } from './model.ts'

/** Summary of one graph file. */
export interface GraphReport extends ModelSummary {
  file: string
  bytes: number
  /** Operators without a derivative rule, which `jvp` refuses when a tangent reaches them. */
  notDifferentiable: string[]
  /** Operators that derivatives are 0 through because they round to a quantized type. */
  rounding: string[]
}

/** What `ood inspect --json` prints. */
export interface InspectReport {
  manifest?: Manifest
  graphs: Record<string, GraphReport>
}

/**
 * Reads and checks a checkpoint folder, a shipped checkpoint by name, or one `.onnx` file.
 *
 * @throws OodError `E_FILE`, `E_MANIFEST`, `E_CHECKSUM`, `E_UNKNOWN_NAME`
 */
export async function inspectTarget(target: string): Promise<InspectReport> {
  if (/\.onnx$/i.test(target)) return { graphs: { [basename(target)]: await graphReport(target) } }
  const { openCheckpoint } = await import('@ood/runtime')
  const folder = await checkpointFolder(target)
  const { manifest } = await openCheckpoint(folder)
  const graphs: Record<string, GraphReport> = {}
  for (const [role, { file }] of Object.entries(manifest.graphs)) graphs[role] = await graphReport(join(folder, file))
  return { manifest, graphs }
}

async function graphReport(path: string): Promise<GraphReport> {
  const { derivativeLimits, inspect, readModel } = await import('@ood/onnx')
  const bytes = await readBounded(path, 2 ** 31)
  try {
    const model = readModel(bytes)
    const { refused, rounding } = derivativeLimits(model)
    const size = (await stat(path)).size
    return {
      file: basename(path),
      bytes: size,
      ...inspect(model),
      notDifferentiable: [...refused],
      rounding: [...rounding],
    }
  } catch (cause) {
    if (!(cause instanceof OodError)) throw cause
    throw new OodError(cause.code, cause.message.replace(/^ONNX file/, path), { cause })
  }
}

/** The report as text. */
export function inspectText({ manifest, graphs }: InspectReport): string {
  const lines: string[] = []
  if (manifest) {
    const { name, kind, data, preprocessing, training, metrics } = manifest
    lines.push(`${name}: ${kind}, trained on ${data.dataset}`, '')
    const facts: [string, string][] = [
      ['images', `[${data.shape.join(', ')}], values ${data.valueRange[0]} to ${data.valueRange[1]}`],
      ['preprocessing', preprocessing.map(({ name, ...rest }) => `${name}${parameters(rest)}`).join(', ') || 'none'],
      ...Object.entries(figures(metrics, '')),
      ...Object.entries(figures(training, '')).map(([key, value]) => [`training ${key}`, value] as [string, string]),
    ]
    lines.push(...aligned(facts), '')
  }
  for (const [role, graph] of Object.entries(graphs)) {
    const { file, bytes, opset, parameters: count, inputs, outputs, operators, notDifferentiable, rounding } = graph
    const size = `${(bytes / 1e6).toFixed(1)} MB`
    lines.push(`${role === file ? role : `${role} (${file})`}: ${size}, opset ${opset}, ${count} parameters`)
    const port = ({ name, type, shape }: (typeof inputs)[number]) => `${name} ${type} [${shape?.join(', ') ?? '...'}]`
    lines.push(
      ...aligned([
        ['  inputs', inputs.map(port).join('; ')],
        ['  outputs', outputs.map(port).join('; ')],
        [
          '  operators',
          Object.entries(operators)
            .map(([name, n]) => `${name} ${n}`)
            .join(', '),
        ],
        ['  derivatives', derivatives(notDifferentiable, rounding)],
      ]),
      '',
    )
  }
  return lines.join('\n').trimEnd()
}

function derivatives(refused: readonly string[], rounding: readonly string[]): string {
  const parts = [
    ...(refused.length > 0 ? [`none through ${refused.join(', ')}`] : []),
    ...(rounding.length > 0 ? [`0 through ${rounding.join(', ')}, unless straightThrough`] : []),
  ]
  return parts.join('; ') || 'all operators'
}

function aligned(facts: readonly (readonly [string, string])[]): string[] {
  // The table's head and rule are for real tables.
  return formatTable([['', ''], ...facts])
    .split('\n')
    .slice(2)
}

function parameters(rest: Record<string, unknown>): string {
  const list = Object.entries(rest).map(([key, value]) => `${key} ${String(value)}`)
  return list.length > 0 ? ` (${list.join(', ')})` : ''
}

/** Numbers and words of a nested record by dotted name; deep parts, such as a whole training configuration, are left. */
function figures(record: Record<string, unknown> | undefined, prefix: string): Record<string, string> {
  const out: Record<string, string> = {}
  for (const [key, value] of Object.entries(record ?? {})) {
    if (typeof value === 'number' || typeof value === 'string') out[prefix + key] = String(value)
    else if (prefix === '' && isFlat(value)) Object.assign(out, figures(value, `${key} `))
  }
  return out
}

function isFlat(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((item) => typeof item === 'number' || typeof item === 'string')
}
