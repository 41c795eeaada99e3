import { readFileSync } from 'node:fs';
import type { Refusal } from '@tacit/privacy/refusal.ts';
import { refuse } from '@tacit/privacy/refusal.ts';
import { parseDocument } from 'yaml';
import type { z } from 'zod';

/**
 * A file read and checked against its schema. Unknown keys, missing keys and values out of range
 * are refused with the path of the key, the bound and the value; nothing is repaired.
 */
export function loadChecked<T>(file: string, schema: z.ZodType<T>): T | Refusal {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return refuse('config-missing', { file });
  }
  return parseChecked({ text, file, schema });
}

/** Like `loadChecked`, for text that is at hand already. JSON is YAML: one parser serves both. */
export function parseChecked<T>(options: {
  text: string;
  file: string;
  schema: z.ZodType<T>;
}): T | Refusal {
  const document = parseDocument(options.text, { strict: true, uniqueKeys: true });
  const broken = document.errors[0];
  if (broken) {
    const line = broken.linePos?.[0].line ?? 0;
    return refuse('config-invalid', { file: options.file, line, reason: broken.code });
  }
  return checkValue(document.toJS({ maxAliasCount: 20 }), options.file, options.schema);
}

/** Checks a value that is parsed already. `where` names its origin in the refusal. */
export function checkValue<T>(value: unknown, where: string, schema: z.ZodType<T>): T | Refusal {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const at = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const key = [...issue.path, issue.keys[0]].join('.');
    return refuse('config-unknown-key', { file: where, key });
  }
  return refuse('config-invalid', { file: where, key: at, reason: issue.message });
}
