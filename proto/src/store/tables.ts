import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** One change of a transaction: `null` deletes the key. */
export interface Write {
  readonly table: string;
  readonly key: string;
  readonly value: Uint8Array | null;
  /** Fail when the key is there already, instead of replacing its value. */
  readonly once?: boolean;
}

/**
 * The embedded store of one process: named tables of key -> bytes in one SQLite file. A `write` is
 * one durable transaction: when it returns, all of it is on disk; when it throws, none of it is.
 */
export interface Tables {
  write(writes: readonly Write[]): void;
  get(table: string, key: string): Uint8Array | undefined;
  /**
   * Empties the write-ahead log into the file: only then are deleted and overwritten values gone
   * from disk. Does as much as it can while another process is reading.
   */
  forget(): void;
  /** Entries in ascending order of key, optionally only keys with a prefix. */
  entries(table: string, prefix?: string): [key: string, value: Uint8Array][];
  close(): void;
}

/**
 * Opens or creates the file. `readOnly` serves commands that look while the daemon writes. A writer
 * has the store for itself: throws with code `store-locked` when another process has it.
 */
export function openTables(options: {
  file: string;
  tables: readonly string[];
  readOnly?: boolean;
}): Tables {
  // Made before SQLite opens it, so that file and log are the owner's alone from the first byte.
  if (!options.readOnly) closeSync(openSync(options.file, 'a', 0o600));
  const lock = options.readOnly ? undefined : lockStore(options.file);
  const database = new DatabaseSync(options.file, { readOnly: options.readOnly ?? false });
  database.exec('PRAGMA busy_timeout = 5000');
  if (!options.readOnly) prepareSchema(database, options.tables);
  const statements = new Map(options.tables.map((name) => [name, prepare(database, name)]));
  const of = (name: string): Statements => {
    const found = statements.get(name);
    if (!found) throw new Error(`no table ${name}`);
    return found;
  };
  return {
    write: (writes) => transact(database, () => perform(writes, of)),
    get: (table, key) => (of(table).get.get(key) as Row | undefined)?.value,
    entries: (table, prefix = '') => {
      const rows = of(table).range.all(prefix, `${prefix}\u{10ffff}`) as unknown as Row[];
      return rows.map((row) => [row.key, row.value]);
    },
    forget: () => database.exec('PRAGMA wal_checkpoint(TRUNCATE)'),
    close: () => {
      database.close();
      lock?.close();
    },
  };
}

/** Held until closed; the operating system frees it however the process ends. */
function lockStore(file: string): DatabaseSync {
  const lock = new DatabaseSync(`${file}.lock`);
  try {
    lock.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch {
    lock.close();
    throw Object.assign(new Error(`another process has ${file}`), { code: 'store-locked' });
  }
}

interface Row {
  key: string;
  value: Uint8Array;
}

interface Statements {
  get: StatementSync;
  put: StatementSync;
  add: StatementSync;
  remove: StatementSync;
  range: StatementSync;
}

function prepareSchema(database: DatabaseSync, tables: readonly string[]): void {
  // Deleted slot keys must not survive in free pages (SECAGG.md section 4), and a commit that was
  // acknowledged must survive a power cut.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON');
  for (const name of tables) {
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${quoted(name)}
       (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT`,
    );
  }
}

function prepare(database: DatabaseSync, name: string): Statements {
  const table = quoted(name);
  return {
    get: database.prepare(`SELECT key, value FROM ${table} WHERE key = ?`),
    put: database.prepare(
      `INSERT INTO ${table} (key, value) VALUES (?, ?)
       ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    ),
    add: database.prepare(`INSERT INTO ${table} (key, value) VALUES (?, ?)`),
    remove: database.prepare(`DELETE FROM ${table} WHERE key = ?`),
    range: database.prepare(
      `SELECT key, value FROM ${table} WHERE key >= ? AND key < ? ORDER BY key`,
    ),
  };
}

function transact(database: DatabaseSync, body: () => void): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    body();
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function perform(writes: readonly Write[], of: (name: string) => Statements): void {
  for (const { table, key, value, once } of writes) {
    if (value === null) of(table).remove.run(key);
    else if (once) of(table).add.run(key, value);
    else of(table).put.run(key, value);
  }
}

function quoted(name: string): string {
  if (!/^[a-z][a-z_]*$/.test(name)) throw new Error(`table name ${name}`);
  return `"${name}"`;
}
