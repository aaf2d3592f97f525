// Writes the table of docs/results.md from the stored results in docs/results/*.json: npm run results
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readFamilies } from './results/families.ts'
import { withResults } from './results/table.ts'

const page = fileURLToPath(new URL('../docs/results.md', import.meta.url))
const stored = fileURLToPath(new URL('../docs/results', import.meta.url))
writeFileSync(page, withResults(readFileSync(page, 'utf8'), readFamilies(stored)))
