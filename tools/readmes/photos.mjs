// What a user brings: a folder of pictures (grey and coloured, of several sizes), arrays, an IDX file.
import { mkdirSync, writeFileSync } from 'node:fs'
import { crc32, deflateSync } from 'node:zlib'
import { loadSample, writeIdx, writeNpy } from '@ood/datasets'

function png(width, height, channels, value) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
    const out = Buffer.alloc(body.length + 8)
    out.writeUInt32BE(data.length, 0)
    body.copy(out, 4)
    out.writeUInt32BE(crc32(body), body.length + 4)
    return out
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, channels === 1 ? 0 : 2], 8)
  const raw = Buffer.alloc(height * (width * channels + 1))
  for (let i = 0; i < raw.length; i++) if (i % (width * channels + 1) > 0) raw[i] = value(i)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(raw)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

mkdirSync('photos/shirts', { recursive: true })
writeFileSync(
  'photos/shirts/0.png',
  png(28, 28, 1, (i) => i * 3),
)
writeFileSync(
  'photos/shirts/1.png',
  png(64, 48, 3, (i) => i * 7),
)
writeFileSync(
  'photos/2.png',
  png(100, 100, 1, (i) => i),
)
const { images, labels } = await loadSample('fashion-mnist', 'train', { limit: 8 })
await writeNpy('images.npy', { data: Uint8Array.from(images.data), shape: [8, 28, 28] })
await writeIdx('images-idx3-ubyte.gz', { data: Uint8Array.from(images.data), shape: [8, 28, 28] })
await writeIdx('labels-idx1-ubyte', { data: Uint8Array.from(labels), shape: [8] })
