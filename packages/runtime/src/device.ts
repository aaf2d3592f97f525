// Device names and the onnxruntime execution providers they stand for.
import { unknownName } from '@ood/core'

/** Where a graph runs. `cpu` is always there; the others need a build of onnxruntime-node that carries them. */
export type Device = 'cpu' | 'cuda' | 'tensorrt' | 'webgpu' | 'dml' | 'coreml'

/** Every device name `openSession` takes. */
export const DEVICES: readonly Device[] = ['cpu', 'cuda', 'tensorrt', 'webgpu', 'dml', 'coreml']

/**
 * Reads a device name, for instance one from a command line.
 *
 * @throws OodError `E_UNKNOWN_NAME` listing the devices
 * @example
 * parseDevice('cuda') // 'cuda'
 */
export function parseDevice(name: string): Device {
  const device = DEVICES.find((known) => known === name)
  if (device === undefined) throw unknownName('device', name, DEVICES)
  return device
}
