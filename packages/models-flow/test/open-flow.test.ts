// What a flow folder needs, said exactly when it lacks it.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openFlow } from '@ood/models-flow'
import { type Manifest, openCheckpoint } from '@ood/runtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const source = fileURLToPath(new URL('./fixtures/tiny-affine', import.meta.url))
let folder: string
let manifest: Manifest
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ood-flow-'))
  for (const name of ['manifest.json', 'encode.onnx', 'decode.onnx'])
    copyFileSync(join(source, name), join(folder, name))
  manifest = (await openCheckpoint(folder)).manifest
})
afterEach(() => rmSync(folder, { recursive: true }))
const write = (changed: object): void =>
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, ...changed }))

describe('openFlow', () => {
  it('takes a folder or an opened checkpoint', async () => {
    for (const from of [folder, await openCheckpoint(folder)]) {
      const flow = await openFlow(from, { workers: 0 })
      expect(flow.manifest.name).toBe('tiny-affine')
      await flow.release()
      await flow.release()
    }
  })

  it('says what a folder needs', async () => {
    rmSync(join(folder, 'manifest.json'))
    await expect(openFlow(folder)).rejects.toMatchObject({
      code: 'E_FILE',
      message: `${folder}: expected a flow folder: manifest.json (writeManifest makes it), a graph encode: x [N, ...] -> z [N, D], logdet [N] and a graph decode: z -> x; ${join(folder, 'manifest.json')}: expected a readable file, got nothing there`,
    })
    await expect(openFlow(join(folder, 'absent'))).rejects.toMatchObject({ code: 'E_FILE' })
  })

  it.each<[string, () => object, string]>([
    [
      'data of another size',
      () => ({ data: { ...manifest.data, shape: [1, 7, 9] } }),
      'graphs.encode.inputs.x: expected [N, 1, 7, 9] as data.shape says, got [N, 1, 8, 8]',
    ],
    ['latents of another size', () => ({ latentShape: [32] }), 'latentShape: expected [64], got [32]'],
    ['another base', () => ({ base: 'uniform' }), 'base: expected standard-normal, got uniform'],
  ])('names %s', async (_, changed, message) => {
    write(changed())
    await expect(openFlow(folder)).rejects.toMatchObject({
      code: 'E_MANIFEST',
      message: expect.stringContaining(message),
    })
  })

  it('refuses other kinds of model', async () => {
    const { graphs } = manifest
    write({ kind: 'cvpn', graphs: { ...graphs, forward: graphs.encode, inverse: graphs.decode } })
    await expect(openFlow(folder)).rejects.toThrow(`${folder} kind: expected flow, got cvpn`)
  })

  it('names an unknown preprocessing step', async () => {
    write({ preprocessing: [{ name: 'whiten' }] })
    await expect(openFlow(folder)).rejects.toMatchObject({
      code: 'E_UNKNOWN_NAME',
      message: expect.stringMatching(/preprocessing\[0\].*whiten/),
    })
  })

  it('checks its options', async () => {
    await expect(openFlow(folder, { workers: -1 })).rejects.toThrow('workers: expected 0 or a positive integer, got -1')
    await expect(openFlow(folder, { batchSize: 0 })).rejects.toThrow('batchSize: expected a positive integer, got 0')
    await expect(openFlow(folder, { chunk: 0.5 })).rejects.toThrow('chunk: expected 0 or a positive integer, got 0.5')
    await expect(openFlow(folder, { device: 'abacus' as 'cpu' })).rejects.toThrow('device: expected one of cpu')
  })
})
