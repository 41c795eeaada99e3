import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { decimalOf, isMissing } from '@tacit/models/outcome/feature-contract.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { readCsv } from './csv.ts';

/** What a column holds; `number?` may be missing (empty or `?`), `text` and `number` may not. */
export type ColumnKind = 'text' | 'text?' | 'number' | 'number?';
/** Column name to kind. Columns that are not named are not read. */
export type Schema = Readonly<Record<string, ColumnKind>>;

/** One row of a schema: `null` where a cell that may be missing is. */
export type TypedRow<S extends Schema> = {
  readonly [K in keyof S]: S[K] extends 'text'
    ? string
    : S[K] extends 'text?'
      ? string | null
      : S[K] extends 'number'
        ? number
        : number | null;
};

/** A table whose every cell was checked against its schema. */
export interface TypedTable<S extends Schema> {
  readonly file: string;
  /** Entry `i` is row `i + 2` of the file. */
  readonly rows: readonly TypedRow<S>[];
}

/**
 * Reads `name.csv`, or else `name.csv.gz`, of a folder with every cell checked against the schema:
 * `csv-not-a-number` and `csv-value-missing` name file, row and column.
 */
export function readTypedTable<S extends Schema>(
  folder: string,
  name: string,
  schema: S,
): TypedTable<S> | Refusal {
  const columns = Object.keys(schema);
  const table = readCsv({ file: tablePath(folder, name), columns });
  if (isRefusal(table)) return table;
  const rows: TypedRow<S>[] = [];
  for (const [index, cells] of table.rows.entries()) {
    const row: Record<string, string | number | null> = {};
    for (const [i, column] of columns.entries()) {
      const cell = typedCell(cells[i] ?? '', schema[column] ?? 'text');
      if (typeof cell === 'object' && cell !== null) {
        return refuse(cell.code, { file: table.file, row: index + 2, column });
      }
      row[column] = cell;
    }
    rows.push(row as TypedRow<S>);
  }
  return { file: table.file, rows };
}

/** The plain file when it is there, else the compressed one. */
export function tablePath(folder: string, name: string): string {
  const plain = join(folder, `${name}.csv`);
  return existsSync(plain) ? plain : `${plain}.gz`;
}

function typedCell(cell: string, kind: ColumnKind): string | number | null | { code: string } {
  if (isMissing(cell)) return kind.endsWith('?') ? null : { code: 'csv-value-missing' };
  if (kind.startsWith('text')) return cell;
  return decimalOf(cell) ?? { code: 'csv-not-a-number' };
}
