// The table of packages in docs/architecture.md: floors and dependencies are computed, what a package is is prose.
import { floors } from './floors.ts'
import type { Package } from './packages.ts'

const HEAD = '| floor | package | what it is | runtime dependencies |\n|---|---|---|---|\n'

/** The packages of this repository that each one imports. */
export function usesOf(packages: readonly Package[]): Map<string, string[]> {
  const ours = new Set(packages.map(({ name }) => name))
  return new Map(packages.map(({ name, imports }) => [name, imports.filter((other) => ours.has(other))]))
}

/**
 * `text` with its table of packages brought up to date: one row a package, by floor and then by name.
 *
 * @throws Error for a package whose row, or a page whose table, is missing: what a package is, only a person can say
 */
export function withTable(text: string, packages: readonly Package[]): string {
  const begin = text.indexOf(HEAD)
  if (begin < 0) throw new Error('architecture: expected the table of packages, got none')
  const from = begin + HEAD.length
  const length = text.slice(from).search(/^(?!\|)/m)
  const rows = text.slice(from, from + length).split('\n')
  const prose = new Map(rows.filter((row) => row !== '').map((row) => [cell(row, 2).replaceAll('`', ''), cell(row, 3)]))
  const floorOf = floors(usesOf(packages))
  const sorted = [...packages].sort((a, b) => floorOf.get(a.name)! - floorOf.get(b.name)! || (a.name < b.name ? -1 : 1))
  const lines = sorted.map((item) => {
    const what = prose.get(item.name)
    if (what === undefined) throw new Error(`architecture: expected a row for ${item.name}, got none`)
    return `| ${floorOf.get(item.name)} | \`${item.name}\` | ${what} | ${runtimeDependencies(item)} |\n`
  })
  return text.slice(0, from) + lines.join('') + text.slice(from + length)
}

function cell(row: string, index: number): string {
  return row.split('|')[index]!.trim()
}

/** What an installation brings beside packages of this repository; types are none of it. */
function runtimeDependencies({ dependencies, optionalPeers }: Package): string {
  const foreign = dependencies.filter((name) => !name.startsWith('@ood/') && !name.startsWith('@types/'))
  const always = foreign.filter((name) => !optionalPeers.includes(name))
  const text = always.length > 0 ? always.join(', ') : 'none'
  return optionalPeers.length > 0 ? `${text}; optional: ${optionalPeers.join(', ')}` : text
}
