// The browser's variant of @ood/core/node: the same names, real errors, and one clear line from what needs files.
import * as node from '@ood/core/node'
import { expect, it } from 'vitest'
import * as browser from '../src/node-browser.ts'

it('has the names of the real one', () => {
  expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort())
  expect(browser.PART).toBe(node.PART)
  expect(browser.fileError).toBe(node.fileError)
})

it('says what is missing', () => {
  for (const [name, value] of Object.entries(browser)) {
    if (name in { PART: 1, fileError: 1, fileReason: 1, isSystemError: 1 }) continue
    expect(value as () => void, name).toThrow(`${name}: expected Node, got a browser, which has no files: pass bytes`)
  }
})
