// Downloads against a local server that cuts, lies, stalls, ignores Range or does not have the file.
import { createHash } from 'node:crypto'
import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { OodError } from '@ood/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sharedPath } from '../../../tools/shared.ts'
import { loadDataset } from '../src/index.ts'
import { type DownloadOptions, download } from '../src/registry/download.ts'
import { expectError, expectSameBytes, temporaryFolder } from './helpers.ts'

const body = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >> 3))
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

type Handler = (request: IncomingMessage, response: ServerResponse, call: number) => void

/** A server on the loopback interface; `ranges` collects the Range header of each request. */
async function serve(handler: Handler): Promise<{ url: string; ranges: (string | undefined)[] }> {
  const ranges: (string | undefined)[] = []
  const server = createServer((request, response) => {
    ranges.push(request.headers.range)
    handler(request, response, ranges.length - 1)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`, ranges }
}

/** A well-behaved answer, honouring Range. */
const whole: Handler = (request, response) => {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  if (start >= body.length) {
    response.writeHead(416).end()
    return
  }
  if (start > 0) response.writeHead(206, { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` })
  response.end(body.subarray(start))
}

/** An answer that promises everything and closes the connection after `bytes`. */
const cut =
  (bytes: number): Handler =>
  (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': body.length - start,
      ...(start > 0 ? { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` } : {}),
    })
    response.write(body.subarray(start, start + bytes), () => setTimeout(() => response.destroy(), 30))
  }

const options: DownloadOptions = {
  maxBytes: 1_000_000,
  delay: 1,
  verify: async (path) => {
    const got = digest(await readFile(path))
    if (got !== digest(body)) throw new OodError('E_CHECKSUM', `file.bin: expected the right bytes, got ${got}`)
  },
}

async function target(): Promise<string> {
  return join(await temporaryFolder(), 'cache', 'file.bin')
}

describe('download', () => {
  it('fetches a file, makes its folder, and leaves nothing beside it', async () => {
    const { url } = await serve(whole)
    const path = await target()
    const events: { done: number; total: number; label: string }[] = []
    await download([url], path, { ...options, onProgress: (event) => events.push(event) })
    expectSameBytes(await readFile(path), body)
    expect(await readdir(join(path, '..'))).toEqual(['file.bin'])
    expect(events.at(-1)).toEqual({ done: body.length, total: body.length, label: 'download file.bin' })
  })

  it('goes on where a cut connection stopped', async () => {
    const { url, ranges } = await serve((request, response, call) =>
      (call < 2 ? cut(100_000) : whole)(request, response, call),
    )
    const path = await target()
    await download([url], path, options)
    expectSameBytes(await readFile(path), body)
    expect(ranges).toEqual([undefined, 'bytes=100000-', 'bytes=200000-'])
  })

  it('goes on where an earlier run stopped, also after an abort', async () => {
    const path = await target()
    const stop = new AbortController()
    const slow = await serve(cut(100_000))
    const aborted = { ...options, signal: stop.signal, onProgress: () => stop.abort() }
    await expectError(download([slow.url], path, aborted), 'E_ABORTED', /stopped by the caller/)
    const kept = (await readFile(`${path}.part`)).length
    expect(kept).toBeGreaterThan(0)
    const { url, ranges } = await serve(whole)
    await download([url], path, options)
    expect(ranges).toEqual([`bytes=${kept}-`])
    expectSameBytes(await readFile(path), body)
  })

  it('starts over when the server ignores Range', async () => {
    const { url, ranges } = await serve((_, response, call) => {
      if (call === 0) cut(100_000)(_, response, call)
      else response.end(body)
    })
    const path = await target()
    await download([url], path, options)
    expect(ranges).toEqual([undefined, 'bytes=100000-'])
    expectSameBytes(await readFile(path), body)
  })

  it('takes a part that is whole already (416) and throws away one that is too long', async () => {
    const { url, ranges } = await serve(whole)
    for (const extra of [0, 5]) {
      const path = await target()
      await mkdir(join(path, '..'))
      await writeFile(`${path}.part`, Buffer.concat([body, Buffer.alloc(extra)]))
      await download([url], path, options)
      expectSameBytes(await readFile(path), body)
    }
    expect(ranges).toEqual(['bytes=300000-', 'bytes=300005-', undefined])
  })

  it('fetches afresh when the part was of another file', async () => {
    const { url, ranges } = await serve(whole)
    const path = await target()
    await mkdir(join(path, '..'))
    await writeFile(`${path}.part`, Buffer.alloc(1000, 7))
    await download([url], path, options)
    expect(ranges).toEqual(['bytes=1000-', undefined])
    expectSameBytes(await readFile(path), body)
  })

  it('refuses bytes from another place than asked for', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(206, { 'content-range': 'bytes 7-9/300000' }).end(body.subarray(7, 10))
    })
    const path = await target()
    await mkdir(join(path, '..'))
    await writeFile(`${path}.part`, body.subarray(0, 1000))
    await expectError(download([url], path, options), 'E_NETWORK', /got bytes from 7 where 1000 was asked for/)
    expect((await readFile(`${path}.part`)).length).toBe(1000)
  })

  it('reports a wrong file as a checksum error and keeps nothing of it', async () => {
    const { url, ranges } = await serve((_, response) => response.end(Buffer.alloc(1000)))
    const path = await target()
    await expectError(download([url], path, options), 'E_CHECKSUM', /file\.bin: expected the right bytes/)
    expect(ranges).toHaveLength(3)
    expect(await readdir(join(path, '..'))).toEqual([])
  })

  it('asks the next address after 404, at once, and names both when none has it', async () => {
    const missing = await serve((_, response) => response.writeHead(404).end('gone'))
    const { url } = await serve(whole)
    const path = await target()
    await download([missing.url, url], path, options)
    expect(missing.ranges).toHaveLength(1)
    expectSameBytes(await readFile(path), body)
    await expectError(
      download([missing.url, missing.url], `${path}2`, options),
      'E_NETWORK',
      /file\.bin2: expected a download from 127\.0\.0\.1:\d+ or 127\.0\.0\.1:\d+, got HTTP 404/,
    )
  })

  it('tries again after a server error', async () => {
    const { url, ranges } = await serve((request, response, call) => {
      if (call === 0) response.writeHead(503).end()
      else whole(request, response, call)
    })
    await download([url], await target(), options)
    expect(ranges).toHaveLength(2)
  })

  it('gives up on a connection that says nothing, and on one refused', async () => {
    const { url } = await serve(() => undefined)
    await expectError(
      download([url], await target(), { ...options, attempts: 2, idle: 50 }),
      'E_NETWORK',
      /got no byte came for too long/,
    )
    await expectError(
      download(['http://127.0.0.1:1/x'], await target(), options),
      'E_NETWORK',
      /got (ECONNREFUSED|bad port)/,
    )
  })

  it('accepts no more bytes than make sense, announced or not', async () => {
    for (const announced of [true, false]) {
      const { url, ranges } = await serve((_, response) => {
        if (announced) response.writeHead(200, { 'content-length': body.length })
        response.write(body.subarray(0, 200_000))
        response.end(body.subarray(200_000))
      })
      const path = await target()
      const bounded = { ...options, maxBytes: 100_000 }
      await expectError(download([url], path, bounded), 'E_NETWORK', /100000( bytes that)? make sense/)
      expect(ranges).toHaveLength(1)
    }
  })

  it('says which folder cannot be written', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'file'), '')
    const { url } = await serve(whole)
    await expectError(
      download([url], join(folder, 'file', 'x'), options),
      'E_FILE',
      /file: expected a folder, got a file/,
    )
  })
})

describe('loadDataset with downloads', () => {
  const official = sharedPath('data', 'mnist')
  const serveFolder = (folder: string) =>
    serve(async (request, response) => {
      const file = join(folder, request.url!.split('/').at(-1)!)
      await access(file).then(
        async () => response.end(await readFile(file)),
        () => response.writeHead(404).end(),
      )
    })
  const base = (url: string): string => url.replace(/file\.bin$/, '')

  it.skipIf(!official)(
    `downloads to the cache once, checks, and then needs no network${official ? '' : ' (skipped: ../shared is not there)'}`,
    async () => {
      const cacheDir = await temporaryFolder()
      const { url, ranges } = await serveFolder(official!)
      const load = { split: 'test', limit: 3, dataDir: '', cacheDir, mirrors: [base(url)] } as const
      const first = await loadDataset('mnist', load)
      expect(ranges).toHaveLength(2)
      const second = await loadDataset('mnist', { ...load, offline: true })
      expectSameBytes(second.images.data, first.images.data)
      expect(await readdir(join(cacheDir, 'datasets', 'mnist'))).toEqual([
        't10k-images-idx3-ubyte.gz',
        't10k-labels-idx1-ubyte.gz',
      ])
    },
  )

  it('refuses another file under the right name and leaves the cache empty', async () => {
    const cacheDir = await temporaryFolder()
    const { url } = await serve((_, response) => response.end(body))
    for (const name of ['mnist', 'omniglot']) {
      const run = loadDataset(name, { dataDir: '', cacheDir, mirrors: [base(url)] })
      await expectError(
        run,
        name === 'mnist' ? 'E_CHECKSUM' : 'E_FILE',
        /(-ubyte\.gz as downloaded|\.zip\.part): expected/,
      )
      expect(await readdir(join(cacheDir, 'datasets', name))).toEqual([])
    }
  })

  it('says where it looked when there is no file and no network', async () => {
    const cacheDir = await temporaryFolder()
    const none = { dataDir: join(cacheDir, 'data'), cacheDir }
    await expectError(
      loadDataset('fmnist', { ...none, mirrors: ['http://127.0.0.1:1/'] }),
      'E_NETWORK',
      /^fashion-mnist train-images-idx3-ubyte\.gz: expected a download from 127\.0\.0\.1:1, got .*data.fashion-mnist or .*datasets.fashion-mnist \(set OOD_DATA_DIR/,
    )
    await expectError(
      loadDataset('mnist', { ...none, offline: true }),
      'E_FILE',
      /got nothing there, and downloads are off/,
    )
  })
})
