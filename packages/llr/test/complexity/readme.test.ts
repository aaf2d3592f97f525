// The README's runnable example of input complexity prints what it says, and nothing here needs Node to be loaded.
import { readdirSync, readFileSync } from 'node:fs'
import * as core from '@ood/core'
import { expect, it } from 'vitest'
import * as llr from '../../src/index.ts'

it('README example: Input complexity', async () => {
  const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const section = text.split(/^## /m).find((part) => part.startsWith('Input complexity\n'))
  const block = /```js\n([\s\S]*?)```/.exec(section ?? '')?.[1]
  expect(block).toBeDefined()
  const printed: unknown[] = []
  const body = block!.replace(/import (\{.*\}) from ('.*')/g, 'const $1 = modules[$2]')
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as FunctionConstructor
  const modules = { '@ood/core': core, '@ood/llr': llr }
  await AsyncFunction('modules', 'console', body)(modules, { log: (...values: unknown[]) => printed.push(...values) })
  expect(printed).toEqual([true, true])
})

it('imports Node and optional packages only when they are needed', () => {
  const root = new URL('../../src/complexity/', import.meta.url)
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  expect(files.length).toBeGreaterThan(15)
  const wrong = files.filter((name) =>
    /from '(node:|@jsquash|@cornerstonejs)/.test(readFileSync(new URL(name, root), 'utf8')),
  )
  expect(wrong).toEqual([])
})
