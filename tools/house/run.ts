// Brings the table of packages in docs/architecture.md up to date: npm run house
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readPackages } from './packages.ts'
import { withTable } from './table.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = fileURLToPath(new URL('../../docs/architecture.md', import.meta.url))
writeFileSync(page, withTable(readFileSync(page, 'utf8'), readPackages(root)))
