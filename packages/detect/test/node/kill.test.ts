// A save that dies at any of its file operations leaves the old detector, or none, never half of one.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { loadDetector, saveDetector } from '@ood/detect/node'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { fittedRatio, makeMethod, open, temporary } from './stored.ts'

const death = vi.hoisted(() => ({ after: Number.POSITIVE_INFINITY, operations: 0 }))

// From operation `after` on every one fails, the ones that tidy up included, and the first one does half its work:
// what a process leaves that was killed there.
vi.mock('node:fs/promises', async (original) => {
  const real = (await original()) as Record<string, (...args: unknown[]) => Promise<unknown>>
  const dying = (name: string) => {
    return async (...args: unknown[]) => {
      death.operations++
      if (death.operations > death.after) throw new Error(`killed at ${name}`)
      const result = await real[name]!(...args)
      if (name !== 'open') return result
      const handle = result as { writeFile(text: string): Promise<void>; sync(): Promise<void> }
      // Flushing counts as an operation; the disk is not what is tested, and slow.
      handle.sync = async () => {
        death.operations++
        if (death.operations > death.after) throw new Error('killed at sync')
      }
      const writeFile = handle.writeFile.bind(handle)
      handle.writeFile = async (text: string) => {
        death.operations++
        if (death.operations <= death.after) return await writeFile(text)
        await writeFile(text.slice(0, text.length / 2))
        throw new Error('killed at writeFile')
      }
      return handle
    }
  }
  const names = ['mkdir', 'open', 'rename', 'rm', 'copyFile', 'readdir', 'realpath', 'stat']
  return { ...real, ...Object.fromEntries(names.map((name) => [name, dying(name)])) }
})

afterEach(() => {
  death.after = Number.POSITIVE_INFINITY
})

/** Runs `save` once to count its operations, then with a death before each of them; calls `check` after every death. */
async function everyDeath(save: () => Promise<void>, check: (finished: boolean) => Promise<void>): Promise<number> {
  for (let after = 0; ; after++) {
    death.operations = 0
    death.after = after
    const finished = await save().then(
      () => true,
      () => false,
    )
    death.after = Number.POSITIVE_INFINITY
    await check(finished)
    if (finished) return after
  }
}

describe('a killed save', () => {
  it('of a new detector leaves no folder of that name', async () => {
    const folder = temporary()
    const { ratio, models } = await fittedRatio(folder)
    const one = { semantic: models.semantic, background: models.semantic }
    let attempt = 0
    const target = () => join(folder, `runs-${attempt}`, 'saved')
    const deaths = await everyDeath(
      () => saveDetector(ratio, target(), { models: one }),
      async (finished) => {
        // After the renaming, and only then, there is a detector, and it is whole.
        if (existsSync(target()))
          expect((await loadDetector(target(), makeMethod, open)).threshold).toBe(ratio.threshold)
        else expect(finished).toBe(false)
        attempt++
      },
    )
    expect(deaths).toBeGreaterThan(20)
  })

  it('over a detector leaves the old one or the new one, and the next save goes through', async () => {
    const folder = temporary()
    const [first, second] = [await fittedRatio(folder, 0), await fittedRatio(folder, 1)]
    const target = join(folder, 'saved')
    const save = ({ ratio, models }: typeof first) =>
      saveDetector(ratio, target, { models: { semantic: models.semantic, background: models.semantic } })
    const old = first.ratio.threshold
    const fresh = second.ratio.threshold
    expect(old).not.toBe(fresh)
    await save(first)
    const found: (number | null)[] = []
    const deaths = await everyDeath(
      () => save(second),
      async () => {
        const { threshold } = await loadDetector(target, makeMethod, open)
        expect([old, fresh]).toContain(threshold)
        if (found.at(-1) !== threshold) found.push(threshold)
        // Leftovers are looked at by the next save, which would have one operation more after every death.
        for (const place of [target, join(target, 'models')])
          for (const name of readdirSync(place))
            if (/partial-[0-9a-f]{12}$|\.part$/.test(name)) rmSync(join(place, name), { recursive: true })
      },
    )
    expect(deaths).toBeGreaterThan(20)
    // Old until the last file was renamed, new from then on.
    expect(found).toEqual([old, fresh])
    await save(first)
    expect((await loadDetector(target, makeMethod, open)).threshold).toBe(old)
    expect(readdirSync(target).sort()).toEqual(['detector.json', 'models'])
    expect(readdirSync(join(target, 'models')).length).toBe(1)
  })
})
