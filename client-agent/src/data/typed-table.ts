import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { decimalOf, isGarbled, isMissing } from '@tacit/models/outcome/feature-contract.ts';
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
  readonly rows: readonly TypedRow<S>[];
  /** Entry `i` is the line of the file on which `rows[i]` begins. */
  readonly rowNumbers: readonly number[];
  /** One refusal for each row that is not among `rows`. */
  readonly dropped: readonly Refusal[];
}

/**
 * Reads `name.csv`, or else `name.csv.gz`, of a folder with every cell checked against the schema.
 * A row that fails is dropped: `csv-not-a-number`, `csv-value-missing` and `csv-encoding` name
 * file, row and column.
 */
export function readTypedTable<S extends Schema>(
  folder: string,
  name: string,
  schema: S,
): TypedTable<S> | Refusal {
  const columns = Object.keys(schema);
  const table = readCsv({ file: tablePath(folder, name), columns });
  if (isRefusal(table)) return table;
  const { file } = table;
  const rows: TypedRow<S>[] = [];
  const rowNumbers: number[] = [];
  const dropped = [...table.dropped];
  for (const { row: rowNumber, cells } of table.rows) {
    const row = typedRow(cells, schema);
    if ('code' in row) {
      dropped.push(refuse(row.code, { file, row: rowNumber, column: row.column }));
      continue;
    }
    rows.push(row.values);
    rowNumbers.push(rowNumber);
  }
  return { file, rows, rowNumbers, dropped };
}

/** The plain file when it is there, else the compressed one. */
export function tablePath(folder: string, name: string): string {
  const plain = join(folder, `${name}.csv`);
  return existsSync(plain) ? plain : `${plain}.gz`;
}

function typedRow<S extends Schema>(
  cells: readonly string[],
  schema: S,
): { values: TypedRow<S> } | { code: string; column: string } {
  const values: Record<string, string | number | null> = {};
  for (const [index, [column, kind]] of Object.entries(schema).entries()) {
    const cell = typedCell(cells[index] ?? '', kind);
    if (typeof cell === 'object' && cell !== null) return { ...cell, column };
    values[column] = cell;
  }
  return { values: values as TypedRow<S> };
}

function typedCell(cell: string, kind: ColumnKind): string | number | null | { code: string } {
  if (isGarbled(cell)) return { code: 'csv-encoding' };
  if (isMissing(cell)) return kind.endsWith('?') ? null : { code: 'csv-value-missing' };
  if (kind.startsWith('text')) return cell;
  return decimalOf(cell) ?? { code: 'csv-not-a-number' };
}
