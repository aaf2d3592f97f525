// `npm run example -- <name> [options]`: finds the example and runs it with one-line errors and a clean Ctrl-C.
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { unknownName } from '@ood/core'
import { runMain } from '@ood/run'

/** What the index file of every example exports. */
interface Example {
  main(argv: string[], signal: AbortSignal): Promise<void>
}

const here = fileURLToPath(new URL('.', import.meta.url))

await runMain(async (signal) => {
  const [name = '', ...argv] = process.argv.slice(2)
  const known = readdirSync(here).filter((folder) => existsSync(`${here}/${folder}/index.ts`))
  if (!known.includes(name)) throw unknownName('example', name, known)
  const example = (await import(new URL(`${name}/index.ts`, import.meta.url).href)) as Example
  await example.main(argv, signal)
})
