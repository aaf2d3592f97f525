// The units of raw data that a model's preprocessing implies.
import { dataUnits, type TransformSpec } from '@ood/datasets'
import { describe, expect, test } from 'vitest'

const units = (preprocessing: TransformSpec[], valueRange?: [number, number], shape = [1, 28, 28]) =>
  dataUnits({ preprocessing, valueRange, shape })

describe('dataUnits', () => {
  test('dequantised bytes are whole numbers', () => {
    expect(units([{ name: 'dequantize' }, { name: 'logit' }], [0, 255])).toEqual({
      valueRange: [0, 255],
      wholeNumbers: true,
    })
    expect(units([{ name: 'flatten' }, { name: 'uniform-noise', levels: 32 }])).toEqual({
      valueRange: [0, 31],
      wholeNumbers: true,
    })
    expect(units([{ name: 'dequantize', input: 'unit' }])).toEqual({ valueRange: [0, 1] })
  })

  test('scaled bytes may have fractions', () => {
    expect(units([{ name: 'unit' }, { name: 'zero-center' }], [0, 255])).toEqual({
      valueRange: [0, 255],
      manyLevels: true,
    })
    expect(units([{ name: 'scale', levels: 2, range: [0, 1] }])).toEqual({ valueRange: [0, 1], manyLevels: false })
  })

  test.each(['zero-center', 'logit', 'symmetric-logit'] as const)('%s takes [0, 1]', (name) => {
    expect(units([{ name }])).toEqual({ valueRange: [0, 1] })
  })

  test('without such a step the range counts for images only', () => {
    expect(units([], [0, 255])).toEqual({ valueRange: [0, 255], slack: 255, manyLevels: true })
    expect(units([{ name: 'identity' }, { name: 'standardize', mean: 0, std: 1 }], [0, 1])).toEqual({
      valueRange: [0, 1],
      slack: 1,
      manyLevels: false,
    })
    expect(units([], undefined)).toEqual({ valueRange: null })
    expect(units([], [0, 1], [10])).toEqual({ valueRange: null })
  })
})
