// A registry of packed tarballs on this machine, so that an install here is the very command a stranger types.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What a registry says of one tarball: its package.json, the file's name and its hashes. */
function describe(folder, file) {
  const bytes = readFileSync(join(folder, file))
  const manifest = execFileSync('tar', ['-xzOf', join(folder, file), 'package/package.json'], { encoding: 'utf8' })
  const hash = (name, encoding) => createHash(name).update(bytes).digest(encoding)
  return { ...JSON.parse(manifest), file, shasum: hash('sha1', 'hex'), integrity: `sha512-${hash('sha512', 'base64')}` }
}

/**
 * Serves every tarball of `folder` on 127.0.0.1. Give the address to npm or pnpm as the registry of the scope only
 * (`@ood:registry=...` in an .npmrc); all other packages come from where they always come.
 */
export async function serveTarballs(folder) {
  const packages = readdirSync(folder)
    .filter((file) => file.endsWith('.tgz'))
    .map((file) => describe(folder, file))
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url.slice(1).split('?')[0])
    const found = packages.find(({ name, file }) => path === name || path === file)
    if (found === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not_found"}')
      return
    }
    if (path === found.file) {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(readFileSync(join(folder, path)))
      return
    }
    const { file, shasum, integrity, ...manifest } = found
    const dist = { tarball: `http://${request.headers.host}/${file}`, shasum, integrity }
    const document = {
      name: found.name,
      'dist-tags': { latest: found.version },
      versions: { [found.version]: { ...manifest, dist } },
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    names: packages.map(({ name }) => name),
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url, names } = await serveTarballs(process.argv[2])
  console.log(`@ood:registry=${url}\n${names.join(' ')}`)
}
