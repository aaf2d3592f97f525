// The README's coverage table is what the rule tables say today.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { README, withCoverage } from '../../../tools/onnx-coverage.ts'

describe('the coverage table', () => {
  // On failure: npx tsx --conditions=@ood/source tools/onnx-coverage.ts
  it('equals the one in the README', () => {
    const readme = readFileSync(README, 'utf8')
    expect(withCoverage(readme)).toBe(readme)
  })
})
