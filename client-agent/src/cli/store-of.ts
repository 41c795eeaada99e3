import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { loadChecked } from '@tacit/proto/schema/check.ts';
import { type AgentConfig, agentConfig } from '@tacit/proto/schema/config.ts';
import { openTables, type Tables } from '@tacit/proto/store/tables.ts';
import { agentTables } from '../core/effect.ts';

/** An agent's configuration and its store, opened to look: the daemon may be writing meanwhile. */
export function withStore<T>(
  folder: string,
  body: (opened: { config: AgentConfig; tables: Tables; folder: string }) => T | Refusal,
): T | Refusal {
  const config = loadChecked(join(folder, 'agent.yaml'), agentConfig);
  if (isRefusal(config)) return config;
  const file = resolve(folder, config.store);
  if (!existsSync(file)) return refuse('store-missing', { file });
  const tables = openTables({ file, tables: agentTables, readOnly: true });
  try {
    return body({ config, tables, folder });
  } finally {
    tables.close();
  }
}
