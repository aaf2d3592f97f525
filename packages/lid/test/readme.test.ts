// The README's example runs as it is and prints what it says.
import { readFileSync } from 'node:fs'
import * as core from '@ood/core'
import { expect, it } from 'vitest'
import * as lid from '../src/index.ts'

it('README example', async () => {
  const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const code = /```js\n([\s\S]*?)```/.exec(text)![1]!
  const modules = { '@ood/core': core, '@ood/lid': lid }
  const printed: unknown[] = []
  const body = code.replace(/import (\{.*\}) from ('.*')/g, 'const $1 = modules[$2]')
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as FunctionConstructor
  await AsyncFunction('modules', 'console', body)(modules, { log: (...values: unknown[]) => printed.push(...values) })
  expect(printed).toEqual([Float64Array.of(2, 2), Float64Array.of(3, 3)])
})
