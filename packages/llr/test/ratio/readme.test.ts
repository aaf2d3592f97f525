// The README's examples of this folder run as they are and print what they say.
import { readFileSync } from 'node:fs'
import * as core from '@ood/core'
import * as detect from '@ood/detect'
import { expect, it } from 'vitest'
import * as llr from '../../src/index.ts'

const examples = [
  { title: 'Likelihood ratio', printed: [Uint8Array.of(0, 1), true] },
  { title: 'Background models', printed: ['. 3 3 . 2 . . .'] },
]

it.each(examples)('README example: $title', async ({ title, printed: want }) => {
  const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const section = text.split(/^## /m).find((part) => part.startsWith(`${title}\n`))
  const block = /```js\n([\s\S]*?)```/.exec(section ?? '')?.[1]
  expect(block).toBeDefined()
  const modules = { '@ood/core': core, '@ood/detect': detect, '@ood/llr': llr }
  const printed: unknown[] = []
  const body = block!.replace(/import (\{.*\}) from ('.*')/g, 'const $1 = modules[$2]')
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as FunctionConstructor
  await AsyncFunction('modules', 'console', body)(modules, { log: (...values: unknown[]) => printed.push(...values) })
  expect(printed).toEqual(want)
})
