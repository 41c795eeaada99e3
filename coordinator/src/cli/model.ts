import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { networkFromSafetensors } from '@tacit/models/export/network-file.ts';
import { networkToTfjsLayers } from '@tacit/models/export/tfjs-layers.ts';
import { fromHex, hex } from '@tacit/privacy/crypto/bytes.ts';
import { sha256 } from '@tacit/privacy/crypto/hash.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { type ModelVersion, modelVersion } from '@tacit/proto/plan/model-version.ts';
import { parseChecked } from '@tacit/proto/schema/check.ts';
import { type Output, table } from '@tacit/proto/terminal/output.ts';
import type { WireModelVersion } from '@tacit/proto/wire/service.ts';
import { type OperationsClient, withClient } from './client.ts';

/** `tacit model list`: every signed version, oldest first. */
export async function listModels(
  options: { context: string; runId: string },
  output: Output,
): Promise<Refusal | undefined> {
  const items = await withClient(options.context, (client) => versions(client, options.runId));
  if (isRefusal(items)) return items;
  const rows = items.map((item) => [nameOf(item), item.modelHash.slice(0, 16)]);
  output.data('ModelList', { items }, table([['version', 'hash'], ...rows]));
  return undefined;
}

/** `tacit model show RUN@VERSION`: the record the coordinator signed. */
export async function showModel(
  options: { context: string; version: string },
  output: Output,
): Promise<Refusal | undefined> {
  const found = await withClient(options.context, (client) => find(client, options.version));
  if (isRefusal(found)) return found;
  const lines = Object.entries(found).map(([name, value]) => `${name.padEnd(14)}${value}`);
  output.data('ModelVersion', found, lines.join('\n'));
  return undefined;
}

/** `tacit model export RUN@VERSION`: verified bytes as a safetensors file or a TFJS folder. */
export async function exportModel(
  options: { context: string; version: string; format: 'safetensors' | 'tfjs'; path: string },
  output: Output,
): Promise<Refusal | undefined> {
  const fetched = await fetchModel(options.context, options.version);
  if (isRefusal(fetched)) return fetched;
  const files = exportFiles(fetched.bytes, options);
  if (isRefusal(files)) return files;
  for (const { path, bytes } of files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  const written = files.map(({ path, bytes }) => ({ path, bytes: bytes.length }));
  const data = { version: nameOf(fetched.found), format: options.format, files: written };
  output.data('ModelExport', data, written.map(({ path }) => `wrote ${path}`).join('\n'));
  return undefined;
}

/** A version, RUN@NUMBER or the newest of RUN, with its verified bytes. */
export async function fetchModel(
  context: string,
  version: string,
): Promise<{ found: ModelVersion; bytes: Uint8Array } | Refusal> {
  return withClient(context, async (client) => {
    const found = await find(client, version);
    if (isRefusal(found)) return found;
    const bytes = await blob(client, found.modelHash);
    return isRefusal(bytes) ? bytes : { found, bytes };
  });
}

function exportFiles(
  bytes: Uint8Array,
  options: { version: string; format: 'safetensors' | 'tfjs'; path: string },
): { path: string; bytes: Uint8Array }[] | Refusal {
  if (options.format === 'safetensors') return [{ path: options.path, bytes }];
  const published = networkFromSafetensors(bytes);
  if (isRefusal(published)) return published;
  const card = { ...published.card, version: options.version };
  const { modelJson, weightsBin } = networkToTfjsLayers({ ...published, card });
  return [
    { path: join(options.path, 'model.json'), bytes: modelJson },
    { path: join(options.path, 'weights.bin'), bytes: weightsBin },
  ];
}

async function versions(
  client: OperationsClient,
  runId: string,
): Promise<ModelVersion[] | Refusal> {
  const list = await client.unary<{ items: WireModelVersion[] }>('ListModels', { runId });
  if (isRefusal(list)) return list;
  const parsed: ModelVersion[] = [];
  for (const { body } of list.items ?? []) {
    const text = new TextDecoder().decode(body);
    const version = parseChecked({ text, file: 'model version', schema: modelVersion });
    if (isRefusal(version)) return version;
    parsed.push(version);
  }
  return parsed;
}

async function find(client: OperationsClient, name: string): Promise<ModelVersion | Refusal> {
  const [runId, number] = name.split('@');
  const all = await versions(client, runId);
  if (isRefusal(all)) return all;
  const found = number ? all.find((item) => String(item.version) === number) : all.at(-1);
  return found ?? refuse('model-unknown', { version: name });
}

async function blob(client: OperationsClient, hash: string): Promise<Uint8Array | Refusal> {
  const parts: Uint8Array[] = [];
  const call = { method: 'GetBlob', request: { hash: fromHex(hash) } };
  const failed = await client.stream<{ data: Uint8Array }>(call, ({ data }) => parts.push(data));
  if (failed) return failed;
  const bytes = new Uint8Array(Buffer.concat(parts));
  return hex(sha256(bytes)) === hash ? bytes : refuse('model-unverified', { reason: 'hash' });
}

function nameOf(version: ModelVersion): string {
  return `${version.runId}@${version.version}`;
}
