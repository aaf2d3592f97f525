// The house as it stands: no circles, no upward imports, declared dependencies, and an architecture page that says so.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { circles } from '../../house/circles.ts'
import { floors } from '../../house/floors.ts'
import { type ImportGraph, importGraph } from '../../house/imports.ts'
import { readPackages } from '../../house/packages.ts'
import { usesOf, withTable } from '../../house/table.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const packages = readPackages(root)
const programs = importGraph(root, ['bench', 'examples', 'tools'])

function fileCircles(graph: ImportGraph): string[][] {
  return circles(new Map([...graph].map(([file, { files }]) => [file, files])))
}

describe.each(packages)('$name', ({ folder, name, graph, imports, dependencies, references }) => {
  it('has no circle of files, type imports included', () => {
    expect(fileCircles(graph)).toEqual([])
  })

  it('imports other packages by their name only', () => {
    const outside = [...graph].flatMap(([file, { files }]) =>
      files.filter((other) => !other.startsWith(`${folder}/`)).map((other) => `${file} -> ${other}`),
    )
    expect(outside).toEqual([])
  })

  it('declares what it imports, and only packages of ours that it imports', () => {
    expect(imports.filter((other) => !dependencies.includes(other))).toEqual([])
    expect(dependencies.filter((other) => other.startsWith('@ood/') && !imports.includes(other))).toEqual([])
    expect([...references].sort()).toEqual(imports.filter((other) => other.startsWith('@ood/') && other !== name))
  })
})

it('bench, examples and tools have no circle of files', () => {
  expect(fileCircles(programs)).toEqual([])
})

it.each(['tsconfig.json', 'tsconfig.tools.json'])('%s refers to every package', (file) => {
  const { references } = JSON.parse(readFileSync(join(root, file), 'utf8')) as { references: { path: string }[] }
  const folders = references.map(({ path }) => path).filter((path) => path.startsWith('packages/'))
  expect(folders.sort()).toEqual(packages.map(({ folder }) => folder))
})

it('only @ood/runtime imports onnxruntime', () => {
  const users = packages.filter(({ imports }) => imports.some((name) => name.startsWith('onnxruntime')))
  expect(users.map(({ name }) => name)).toEqual(['@ood/runtime'])
})

it('floors exist: no package imports one that stands on it', () => {
  const uses = usesOf(packages)
  const floorOf = floors(uses)
  for (const [name, others] of uses)
    for (const other of others) expect(floorOf.get(other)!, `${name} -> ${other}`).toBeLessThan(floorOf.get(name)!)
})

it('the architecture page lists the packages as they are (npm run house brings it up to date)', () => {
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
  expect(withTable(text, packages)).toBe(text)
})

it.each(['core', 'roc', 'linalg', 'onnx'])('the main entry of @ood/%s needs nothing of Node', (short) => {
  const { graph } = packages.find(({ name }) => name === `@ood/${short}`)!
  const seen = new Set<string>()
  const walk = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    const { files, modules } = graph.get(file)!
    const ofNode = modules.filter((name) => name.startsWith('node:') || /^@ood\/.*\/node$/.test(name))
    expect(ofNode, file).toEqual([])
    for (const other of files) if (other.endsWith('.ts') && graph.has(other)) walk(other)
  }
  walk(`packages/${short}/src/index.ts`)
  expect(seen.size).toBeGreaterThan(5)
})
