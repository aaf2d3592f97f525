// Names and folders of the shipped checkpoints, from sources and from built files.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkpointPath, listCheckpoints } from '@ood/zoo'
import { describe, expect, it } from 'vitest'

describe('checkpoints', () => {
  const names = listCheckpoints()

  it('are listed once each, sorted', () => {
    expect(names).toEqual([...new Set(names)].sort())
  })

  it.each(names)('%s is a folder whose manifest carries its name', (name) => {
    const manifest: unknown = JSON.parse(readFileSync(join(checkpointPath(name), 'manifest.json'), 'utf8'))
    expect(manifest).toMatchObject({ name, schemaVersion: 1 })
  })

  it.each(['nothing', '', '.', '..', '../src', 'flow-fmnist/manifest.json'])('refuses the name %j', (name) => {
    const end = `, got ${name || 'an empty string'}`
    const start = `checkpoint: expected one of ${names.length} names such as `
    let message = ''
    try {
      checkpointPath(name)
    } catch (error) {
      message = (error as Error).message
    }
    expect(message.slice(0, start.length)).toBe(start)
    expect(message.slice(-end.length)).toBe(end)
    // Whole names, near ones among them.
    const given = message.slice(start.length, -end.length).split(', ')
    expect(names).toEqual(expect.arrayContaining(given))
    if (name.startsWith('flow-fmnist')) expect(given).toContain('flow-fmnist')
  })

  const dist = new URL('../dist/checkpoints.js', import.meta.url)
  it.skipIf(!existsSync(dist))('are the same from built files (skipped before `npm run build`)', async () => {
    const built = (await import(dist.href)) as typeof import('@ood/zoo')
    expect(built.listCheckpoints()).toEqual(names)
    for (const name of names) expect(built.checkpointPath(name)).toBe(checkpointPath(name))
  })
})
