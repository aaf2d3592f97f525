// Files read whole: exact bytes, a bound before reading, and one line for whatever is no regular file.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  fileSha256,
  fileSha256Sync,
  fileSize,
  insideFolder,
  readBounded,
  readBoundedSync,
  sha256,
  withFile,
} from '@ood/core/node'
import { afterAll, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'ood-read-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const at = (name: string, data: string | Uint8Array): string => {
  writeFileSync(join(folder, name), data)
  return join(folder, name)
}

test('a file is read to the byte, and an empty one is empty', async () => {
  const bytes = Uint8Array.from({ length: 3_000_001 }, (_, i) => (i * 31) % 251)
  for (const data of [bytes, new Uint8Array(0)]) {
    const path = at('bytes', data)
    expect(Buffer.compare(await readBounded(path, data.length), data)).toBe(0)
    expect(Buffer.compare(readBoundedSync(path, data.length), data)).toBe(0)
    expect(await fileSize(path)).toBe(data.length)
    // The file is hashed in pieces of 1 MB, the bytes at once.
    expect(await fileSha256(path)).toBe(sha256(data))
    expect(fileSha256Sync(path)).toBe(sha256(data))
  }
})

test('the hash is SHA-256 in lower-case hex (FIPS 180-2 appendix B.1)', () => {
  expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

test('a file over the bound is refused', async () => {
  const path = at('large', 'four')
  const refusal = { code: 'E_FILE', message: `${path}: expected at most 3 bytes, got 4 bytes` }
  await expect(readBounded(path, 3)).rejects.toMatchObject(refusal)
  expect(() => readBoundedSync(path, 3)).toThrow(expect.objectContaining(refusal))
})

test('a missing file, a folder and a pipe are named, and nothing waits', async () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const cases = [
    [join(folder, 'none'), 'expected a readable file, got nothing there'],
    [folder, 'expected a file, got a folder'],
    [pipe, 'expected a file, got a special file'],
  ] as const
  for (const [path, message] of cases) {
    const refusal = { code: 'E_FILE', message: `${path}: ${message}` }
    for (const call of [() => readBounded(path, 9), () => fileSha256(path)])
      await expect(call()).rejects.toMatchObject(refusal)
    for (const call of [() => readBoundedSync(path, 9), () => fileSha256Sync(path)])
      expect(call).toThrow(expect.objectContaining(refusal))
    await expect(fileSize(path)).rejects.toMatchObject({ code: 'E_FILE' })
  }
})

test('a range past the end says how far the file goes, and errors of the caller stay what they are', async () => {
  const path = at('short', 'abcdef')
  await expect(withFile(path, ({ read }) => read(4, 4))).rejects.toMatchObject({
    code: 'E_FILE',
    message: `${path}: expected 8 bytes, got 6 bytes`,
  })
  const mine = new TypeError('mine')
  await expect(withFile(path, () => Promise.reject(mine))).rejects.toBe(mine)
})

test('names lead inside their folder or are refused', async () => {
  const inner = join(folder, 'inner')
  mkdirSync(join(inner, 'deep'), { recursive: true })
  const secret = at('secret', '1')
  writeFileSync(join(inner, 'deep', 'x'), '1')
  symlinkSync(secret, join(inner, 'link'))
  symlinkSync(join(inner, 'deep', 'x'), join(inner, 'good'))
  const inside = (name: string, root?: string) => insideFolder(inner, name, 'field', root === undefined ? {} : { root })
  expect(await inside('deep/x')).toBe(await inside('good'))
  for (const name of ['', '/etc/hostname', 'c:x', 'a\0b', 'deep\\x', '../secret', 'deep/../deep/x', 'link'])
    await expect(inside(name)).rejects.toMatchObject({ code: 'E_FILE', message: expect.stringMatching(/^field: /) })
  await expect(inside('none')).rejects.toMatchObject({ message: expect.stringContaining('got nothing there') })
  // With a root above, `..` may be used as long as it stays below that root.
  expect(await inside('../secret', folder)).toBe(await inside('link', folder))
  await expect(inside('../../x', folder)).rejects.toMatchObject({ code: 'E_FILE' })
  await expect(insideFolder(inner, 'link', 'field', { code: 'E_MANIFEST' })).rejects.toMatchObject({
    code: 'E_MANIFEST',
  })
})
