import { type Refusal, refuse } from '@tacit/privacy/refusal.ts';

/** A float32 tensor, row after row. */
export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Contents of a safetensors file: float32 tensors and a flat map of strings. */
export interface SafetensorsFile {
  readonly tensors: readonly Tensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Longest header the format allows (safetensors 0.4, `MAX_HEADER_SIZE`). */
const HEADER_BYTES_MAX = 100_000_000;

/**
 * Bytes of a safetensors file: header length (u64 little-endian), JSON header padded with spaces to
 * a multiple of 8, then the data in order. Equal contents give equal bytes.
 */
export function writeSafetensors({ tensors, metadata }: SafetensorsFile): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: sorted(metadata) };
  let end = 0;
  for (const { name, shape, values } of tensors) {
    if (name === '__metadata__' || name in header) throw new RangeError(`tensor name ${name}`);
    if (sizeOf(shape) !== values.length)
      throw new RangeError(`${name} [${shape}]: ${values.length}`);
    header[name] = { dtype: 'F32', shape, data_offsets: [end, end + values.byteLength] };
    end += values.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(8 + headerLength + end).fill(0x20, 8, 8 + headerLength);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerLength), true);
  out.set(json, 8);
  let at = 8 + headerLength;
  for (const { values } of tensors) {
    out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return out;
}

/**
 * Inverse of `writeSafetensors`. Refuses (`safetensors-malformed`, fact `why`) what is not a
 * float32 safetensors file whose tensors cover the data exactly once, in order.
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsFile | Refusal {
  const malformed = (why: string) => refuse('safetensors-malformed', { why });
  if (bytes.length < 8) return malformed('shorter than 8 bytes');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > Math.min(HEADER_BYTES_MAX, bytes.length - 8))
    return malformed('header length');
  const header = parseObject(bytes.subarray(8, 8 + headerLength));
  if (header === undefined) return malformed('header is no JSON object');
  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isStringMap(metadata)) return malformed('metadata is no map of strings');
  const data = bytes.subarray(8 + headerLength);
  const tensors: Tensor[] = [];
  let end = 0;
  for (const [name, entry] of Object.entries(entries).sort(byOffset)) {
    if (!isEntry(entry)) return malformed(`tensor ${name} is not described as F32`);
    const [from, to] = entry.data_offsets;
    const inOrder = from === end && to <= data.length && to - from === 4 * sizeOf(entry.shape);
    if (!inOrder) return malformed(`tensor ${name} lies at [${from}, ${to})`);
    // A copy starts at a multiple of 4, as a Float32Array must.
    tensors.push({
      name,
      shape: entry.shape,
      values: new Float32Array(data.slice(from, to).buffer),
    });
    end = to;
  }
  return end === data.length ? { tensors, metadata } : malformed('bytes left over');
}

interface Entry {
  readonly dtype: 'F32';
  readonly shape: number[];
  readonly data_offsets: [number, number];
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  const { dtype, shape, data_offsets } = value as Partial<Entry>;
  return (
    dtype === 'F32' && areCounts(shape) && areCounts(data_offsets) && data_offsets.length === 2
  );
}

function areCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((x) => Number.isSafeInteger(x) && x >= 0);
}

function isStringMap(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === 'string');
}

function parseObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function byOffset([, a]: [string, unknown], [, b]: [string, unknown]): number {
  const start = (entry: unknown) => (isEntry(entry) ? entry.data_offsets[0] : -1);
  const end = (entry: unknown) => (isEntry(entry) ? entry.data_offsets[1] : -1);
  return start(a) - start(b) || end(a) - end(b);
}

function sorted(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, x) => size * x, 1);
}
