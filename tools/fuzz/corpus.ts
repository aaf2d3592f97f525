// Where cases start: the small files that the tests of the packages keep, and the PNGs of every kind.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository. */
export const repository: string = fileURLToPath(new URL('../..', import.meta.url))

/** Files below a folder of the repository whose names match, in order of their paths, those up to `most` bytes. */
export function fixtures(folder: string, name: RegExp, most = 50_000): Uint8Array[] {
  const paths = readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
  return paths
    .filter((path) => name.test(path))
    .sort()
    .map((path) => join(repository, folder, path))
    .filter((path) => statSync(path).isFile() && statSync(path).size <= most)
    .map((path) => new Uint8Array(readFileSync(path)))
}

/** PNGs of every kind with the pixels they must give. */
export function pngSuite(): { bytes: Uint8Array; rgb: Uint8Array }[] {
  const path = join(repository, 'packages/datasets/test/fixtures/png-suite.json')
  const cases = JSON.parse(readFileSync(path, 'utf8')) as { png: string; rgb: string }[]
  return cases.map(({ png, rgb }) => ({
    bytes: new Uint8Array(Buffer.from(png, 'base64')),
    rgb: new Uint8Array(Buffer.from(rgb, 'base64')),
  }))
}
