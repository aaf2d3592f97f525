// Writes protobuf by hand, for files no encoder would write.

export function varint(value: number | bigint): number[] {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
  return bytes
}

/** A length-delimited field. */
export function field(number: number, body: readonly number[] | Uint8Array | string): number[] {
  const bytes = typeof body === 'string' ? [...new TextEncoder().encode(body)] : [...body]
  return [...varint((number << 3) | 2), ...varint(bytes.length), ...bytes]
}

/** An integer field. */
export function whole(number: number, value: number | bigint): number[] {
  return [...varint(number << 3), ...varint(value)]
}

/** A model around the bytes of a graph, with IR version 9 and operator set 20 unless said otherwise. */
export function modelOf(
  graph: readonly number[],
  more: { ir?: number; opset?: number; rest?: number[] } = {},
): Uint8Array {
  const head = [...whole(1, more.ir ?? 9), ...field(7, graph), ...field(8, whole(2, more.opset ?? 20))]
  return new Uint8Array([...head, ...(more.rest ?? [])])
}

/** A graph field with an initializer. */
export function initializer(name: string, dims: readonly (number | bigint)[], rest: readonly number[]): number[] {
  return field(5, [...dims.flatMap((n) => whole(1, n)), ...field(8, name), ...rest])
}

/** A graph field with a node. */
export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  rest: readonly number[] = [],
): number[] {
  const names = [...inputs.flatMap((name) => field(1, name)), ...outputs.flatMap((name) => field(2, name))]
  return field(1, [...names, ...field(4, op), ...rest])
}

/** A graph input (11) or output (12), float32 of the sizes given. */
export function port(number: 11 | 12, name: string, sizes: readonly (number | bigint)[] = [2]): number[] {
  const shape = field(
    2,
    sizes.flatMap((n) => field(1, whole(1, n))),
  )
  return field(number, [...field(1, name), ...field(2, field(1, [...whole(1, 1), ...shape]))])
}
