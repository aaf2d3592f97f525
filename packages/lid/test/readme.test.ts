// The README's examples run as they are and print what they say.
import { readFileSync } from 'node:fs'
import * as core from '@ood/core'
import { expect, it } from 'vitest'
import * as lid from '../src/index.ts'

const examples = [
  { title: 'flow', printed: [Float64Array.of(2, 2), Float64Array.of(3, 3)] },
  { title: 'diffusion', printed: [['2.00', '0.00', '2.00', '2.00', '2.00']] },
  {
    title: 'model-free',
    printed: [1, '1.00', '0.92', '1.00', 2, '2.02', '2.12', '1.94', 3, '3.02', '3.13', '2.64'],
  },
]

it.each(examples.map((example, i) => ({ ...example, i })))('README example: $title', async ({ i, printed: want }) => {
  const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const blocks = [...text.matchAll(/```js\n([\s\S]*?)```/g)]
  expect(blocks.length).toBe(examples.length)
  const modules = { '@ood/core': core, '@ood/lid': lid }
  const printed: unknown[] = []
  const body = blocks[i]![1]!.replace(/import (\{.*\}) from ('.*')/g, 'const $1 = modules[$2]')
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as FunctionConstructor
  await AsyncFunction('modules', 'console', body)(modules, { log: (...values: unknown[]) => printed.push(...values) })
  expect(printed).toEqual(want)
})
