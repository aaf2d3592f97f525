// Generated OOD sets: laws that tell each of them, seeds, shapes.
import { flatData, tensor } from '@ood/core'
import { type GeneratedName, generatedNames, generatedSet, loadSample } from '@ood/datasets'
import { describe, expect, it } from 'vitest'

const { images } = await loadSample('fashion-mnist', 'train', { limit: 6 })
const sorted = (row: Float32Array): number[] => [...row].sort((a, b) => a - b)
const rows = (name: GeneratedName, seed = 0): Float32Array => flatData(generatedSet(name, images, { seed }))
const row = (data: Float32Array, i: number): Float32Array => data.subarray(i * 784, (i + 1) * 784)
const original = flatData(images) as Float32Array

describe.each(generatedNames)('%s', (name) => {
  it('is bytes of the same shape, fixed by its seed, different from the images', () => {
    const made = generatedSet(name, images)
    expect(made.shape).toEqual(images.shape)
    expect(flatData(made).every((value) => Number.isInteger(value) && value >= 0 && value <= 255)).toBe(true)
    expect(rows(name)).toEqual(rows(name))
    expect(rows(name)).not.toEqual(original)
  })
  it('takes colour and shapes that are not square', () => {
    const data = Float32Array.from({ length: 2 * 3 * 9 * 13 }, (_, i) => (i * 37) % 256)
    const made = generatedSet(name, tensor(data, [2, 3, 9, 13]))
    expect(made.shape).toEqual([2, 3, 9, 13])
    expect(flatData(made).every((value) => Number.isInteger(value) && value >= 0 && value <= 255)).toBe(true)
  })
})

it('keeps every grey value where pixels only move', () => {
  for (const name of ['pixel-shuffle', 'patch-shuffle', 'upside-down', 'mirrored', 'quarter-turn'] as const)
    for (let i = 0; i < 6; i++) expect(sorted(row(rows(name), i))).toEqual(sorted(row(original, i)))
})

it('undoes turns by turning again', () => {
  const twice = (name: GeneratedName, times: number) => {
    let at = images
    for (let k = 0; k < times; k++) at = generatedSet(name, at)
    return flatData(at)
  }
  expect(twice('upside-down', 2)).toEqual(original)
  expect(twice('mirrored', 2)).toEqual(original)
  expect(twice('quarter-turn', 4)).toEqual(original)
  expect(twice('inverted', 2)).toEqual(original)
})

it('mixes an image with the next one', () => {
  const average = rows('average')
  for (const at of [0, 300, 783])
    expect(row(average, 2)[at]).toBe(Math.round((row(original, 2)[at]! + row(original, 3)[at]!) / 2))
  const halves = rows('halves')
  expect(row(halves, 1).subarray(0, 392)).toEqual(row(original, 1).subarray(0, 392))
  expect(row(halves, 1).subarray(392)).toEqual(row(original, 2).subarray(392))
})

it('has one grey level an image, and a square cut out', () => {
  for (let i = 0; i < 6; i++) expect(new Set(row(rows('constant'), i)).size).toBe(1)
  const cut = row(rows('cut-out'), 0)
  expect(cut.every((value, at) => value === 0 || value === row(original, 0)[at])).toBe(true)
})

it('draws other noise with another seed, and names unknown sets', () => {
  expect(rows('uniform-noise', 1)).not.toEqual(rows('uniform-noise', 2))
  expect(() => generatedSet('sideways' as GeneratedName, images)).toThrow('upside-down')
  expect(() => generatedSet('noisy', tensor(new Float32Array(4), [1, 4]))).toThrow('[N, C, H, W]')
})
