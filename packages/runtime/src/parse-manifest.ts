// Checks the manifest of a checkpoint folder and names what is wrong.
import { isNestedDeeper, mismatch } from '@ood/core'
import { assertDataPorts, assertTimeScale } from './internal/data-ports.ts'
import { at, type Field, fields, integer, list, number, object, positive, string } from './internal/fields.ts'
import { GRAPH_ROLES, type GraphPorts, type Manifest, type ModelKind, SCHEMA_VERSION } from './manifest.ts'

/** Every graph is read and hashed when a checkpoint is opened, so their number is bounded. */
const MAX_GRAPHS = 64

/** Fields beyond the known ones are kept, and must be writable again. */
const MAX_DEPTH = 100

/**
 * Checks a parsed `manifest.json`.
 *
 * @param value - what `JSON.parse` gave
 * @param file - name used in error messages
 * @returns the same object, typed
 * @throws OodError `E_MANIFEST` naming the file, the field, what was expected and what was found
 * @example
 * const manifest = parseManifest(JSON.parse(text), 'my-flow/manifest.json')
 */
export function parseManifest(value: unknown, file = 'manifest.json'): Manifest {
  const top = object({ file, path: '', value })
  if (isNestedDeeper(value, MAX_DEPTH))
    throw mismatch('E_MANIFEST', file, `JSON of at most ${MAX_DEPTH} levels`, 'a deeper one')
  const version = at(top, 'schemaVersion')
  if (version.value !== SCHEMA_VERSION)
    throw mismatch('E_MANIFEST', `${file} schemaVersion`, String(SCHEMA_VERSION), version.value)
  string(at(top, 'name'))
  const kind = kindOf(at(top, 'kind'))
  const hashes = object(at(top, 'sha256'))
  const graphs = object(at(top, 'graphs'))
  if (Object.keys(graphs.value).length > MAX_GRAPHS)
    throw mismatch('E_MANIFEST', `${file} graphs`, `at most ${MAX_GRAPHS} graphs`, Object.keys(graphs.value).length)
  for (const role of Object.keys(GRAPH_ROLES[kind])) at(graphs, role)
  for (const graph of fields(graphs)) checkGraph(graph, hashes)
  const renamed = kind === 'diffusion' ? diffusionFields(top) : {}
  for (const [role, ports] of Object.entries(GRAPH_ROLES[kind]))
    checkRole(object(at(graphs, role)), {
      inputs: ports.inputs.map((name) => renamed[name] ?? name),
      outputs: ports.outputs.map((name) => renamed[name] ?? name),
    })
  const data = object(at(top, 'data'))
  string(at(data, 'dataset'))
  sizes(at(data, 'shape'))
  valueRange(at(data, 'valueRange'))
  ratioFields(top)
  for (const step of list(at(top, 'preprocessing'))) string(at(object(step), 'name'))
  for (const name of ['latentShape', 'conditionShape']) if (top.value[name] !== undefined) sizes(at(top, name))
  for (const name of ['training', 'metrics']) if (top.value[name] !== undefined) object(at(top, name))
  const manifest = value as Manifest
  assertDataPorts(manifest, file)
  assertTimeScale(manifest, file)
  return manifest
}

/** Checks the fields of models that likelihood ratios are made of. */
function ratioFields(top: Field<Record<string, unknown>>): void {
  const given = (name: string): boolean => top.value[name] !== undefined
  if (given('mixture')) {
    const mixture = object(at(top, 'mixture'))
    oneOf(at(mixture, 'name'), ['logistic'])
    positive(at(mixture, 'components'))
    const low = integer(at(mixture, 'low'))
    const high = at(mixture, 'high')
    if (integer(high) <= low)
      throw mismatch('E_MANIFEST', `${high.file} ${high.path}`, `an integer above ${low}`, high.value)
    oneOf(at(mixture, 'channelDependence'), ['normalized', 'raw'])
  }
  if (given('sequence')) positive(at(object(at(top, 'sequence')), 'vocabulary'))
  if (given('role')) oneOf(at(top, 'role'), ['semantic', 'background', 'features'])
  if (given('mutation') && top.value.mutation !== null) {
    const mutation = object(at(top, 'mutation'))
    const rate = at(mutation, 'rate')
    if (!(number(rate) > 0 && number(rate) <= 1))
      throw mismatch('E_MANIFEST', `${rate.file} ${rate.path}`, 'a number in (0, 1]', rate.value)
    oneOf(at(mutation, 'kind'), ['categorical', 'uniform'])
    valueRange(at(mutation, 'valueRange'))
  }
}

function valueRange(field: Field): void {
  const range = list(field).map(number)
  if (range.length !== 2 || !(range[0]! < range[1]!))
    throw mismatch('E_MANIFEST', `${field.file} ${field.path}`, '[smallest, largest]', range)
}

function oneOf(field: Field, names: readonly string[]): void {
  if (!names.some((name) => name === field.value))
    throw mismatch('E_MANIFEST', `${field.file} ${field.path}`, `one of ${names.join(', ')}`, field.value)
}

/** Checks the fields only diffusion models have; returns the ports' other names. */
function diffusionFields(top: Field<Record<string, unknown>>): Record<string, string> {
  const given = (name: string): boolean => top.value[name] !== undefined
  if (given('sde')) string(at(object(at(top, 'sde')), 'name'))
  if (given('prediction')) string(at(top, 'prediction'))
  if (given('timeScale')) number(at(top, 'timeScale'))
  if (!given('ports')) return {}
  const ports = object(at(top, 'ports'))
  return Object.fromEntries(
    fields(ports).map((port) => {
      const role = port.path.split('.').at(-1)!
      if (role !== 'x' && role !== 't' && role !== 'net')
        throw mismatch('E_MANIFEST', `${ports.file} ${ports.path}`, 'names for x, t, net', role)
      return [role, string(port)]
    }),
  )
}

function kindOf(field: Field): ModelKind {
  oneOf(field, Object.keys(GRAPH_ROLES))
  return field.value as ModelKind
}

function sizes(field: Field): void {
  const entries = list(field)
  if (entries.length === 0) throw mismatch('E_MANIFEST', `${field.file} ${field.path}`, 'at least one size', '[]')
  for (const size of entries) positive(size)
}

function checkGraph(graph: Field, hashes: Field<Record<string, unknown>>): void {
  const entry = object(graph)
  const file = string(at(entry, 'file'))
  for (const side of ['inputs', 'outputs']) {
    for (const port of fields(object(at(entry, side)))) {
      for (const size of list(port)) typeof size.value === 'string' ? string(size) : positive(size)
    }
  }
  const hash = at(hashes, file)
  if (!(typeof hash.value === 'string' && /^[0-9a-f]{64}$/.test(hash.value)))
    throw mismatch('E_MANIFEST', `${hash.file} ${hash.path}`, '64 lower-case hex digits', hash.value)
}

function checkRole(graph: Field<Record<string, unknown>>, needed: GraphPorts): void {
  for (const side of ['inputs', 'outputs'] as const) {
    const ports = object(at(graph, side))
    const missing = needed[side].filter((name) => ports.value[name] === undefined)
    if (missing.length > 0) {
      const flag = `${side === 'inputs' ? 'input' : 'output'}_names=[${needed[side].map((name) => `'${name}'`).join(', ')}]`
      const got = Object.keys(ports.value).join(', ') || 'none'
      throw mismatch(
        'E_MANIFEST',
        `${ports.file} ${ports.path}`,
        needed[side].join(' and '),
        `${got} (export with ${flag})`,
      )
    }
    for (const name of needed[side]) list(at(ports, name))
  }
}
