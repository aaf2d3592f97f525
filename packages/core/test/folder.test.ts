// Folders made with their parents, and file systems that take none.
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeFolder, makeFolderSync, writeFileAtomic, writeFileAtomicSync } from '@ood/core/node'
import { afterAll, describe, expect, it } from 'vitest'

const base = mkdtempSync(join(tmpdir(), 'ood-core-'))
afterAll(() => rmSync(base, { recursive: true }))

describe.each([
  ['makeFolder', makeFolder],
  ['makeFolderSync', async (path: string) => makeFolderSync(path)],
] as const)('%s', (name, make) => {
  it('makes all that is missing, again and again', async () => {
    const path = join(base, name, 'a/b/c')
    for (let i = 0; i < 2; i++) await make(path)
    expect(statSync(path).isDirectory()).toBe(true)
    await make('.')
    await make('/')
  })

  it('does not take a file for a folder', async () => {
    const file = join(base, `${name}-file`)
    writeFileSync(file, '')
    await expect(make(file)).rejects.toThrow(`${file}: expected a folder, got a file`)
    await expect(make(join(file, 'below'))).rejects.toMatchObject({ code: 'E_FILE' })
  })

  it.skipIf(!existsSync('/proc/self'))('ends where no folder can be made', async () => {
    await expect(make('/proc/x/y/z')).rejects.toMatchObject({
      code: 'E_FILE',
      message: '/proc/x: expected a folder that can be made, got /proc, which takes no new folders',
    })
  })

  it('makes one folder for several at once', async () => {
    const path = join(base, name, 'many/deep')
    await Promise.all([1, 2, 3, 4].map(() => make(path)))
    expect(existsSync(path)).toBe(true)
  })
})

it.skipIf(!existsSync('/proc/self'))('atomic writes end there, too', async () => {
  await expect(writeFileAtomic('/proc/x/y', '')).rejects.toMatchObject({ code: 'E_FILE' })
  expect(() => writeFileAtomicSync('/proc/x/y', '')).toThrow('/proc/x: expected a folder that can be made')
})
