import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { CsvError, parse } from 'csv-parse/sync';

/** Which file to read, and how. */
export interface CsvOptions {
  /** The file, plain or gzip-compressed (`.gz`). */
  readonly file: string;
  /** The only columns that are kept; each must be in the header. */
  readonly columns: readonly string[];
  /** Default a comma. */
  readonly delimiter?: ',' | ';' | '\t';
  /** Default `utf-8`; a byte order mark is skipped. */
  readonly encoding?: 'utf-8' | 'windows-1252';
  /** Largest file read, after decompression. Default 256 MiB, least 1. */
  readonly bytesMax?: number;
}

/** The kept columns of a file, as text. */
export interface CsvTable {
  /** The file's name without its folder: what refusals show. */
  readonly file: string;
  /** One array a row, cells in the order of the columns asked for; entry `i` is row `i + 2`. */
  readonly rows: readonly (readonly string[])[];
}

/**
 * Reads the named columns of a CSV file with a header. Refusals name file, row and column (the
 * header is row 1), never a cell's text: `csv-missing`, `csv-unreadable`, `csv-too-large`,
 * `csv-encoding`, `csv-column-missing`, `csv-column-twice`, `csv-malformed`.
 */
export function readCsv(options: CsvOptions): CsvTable | Refusal {
  const file = basename(options.file);
  const text = readText(options, file);
  if (typeof text !== 'string') return text;
  let header: string[] | undefined;
  let picked: number[] = [];
  let ragged: Refusal | undefined;
  let row = 0;
  try {
    const rows: string[][] = parse(text, {
      bom: true,
      delimiter: options.delimiter ?? ',',
      relax_column_count: true,
      skip_empty_lines: true,
      onRecord: (cells: string[]) => {
        row += 1;
        if (!header) {
          header = cells.map((cell) => cell.trim());
          picked = options.columns.map((column) => header?.indexOf(column) ?? -1);
          return null;
        }
        if (cells.length === header.length) return picked.map((index) => cells[index]?.trim());
        ragged ??= refuse('csv-malformed', {
          file,
          row,
          cells: cells.length,
          expected: header.length,
        });
        return null;
      },
    });
    const absent = picked.indexOf(-1);
    if (!header) return refuse('csv-malformed', { file, row: 1, reason: 'empty file' });
    if (absent >= 0) {
      return refuse('csv-column-missing', { file, row: 1, column: options.columns[absent] ?? '' });
    }
    const twice = options.columns.find(
      (column) => header?.indexOf(column) !== header?.lastIndexOf(column),
    );
    if (twice !== undefined) return refuse('csv-column-twice', { file, row: 1, column: twice });
    return ragged ?? { file, rows };
  } catch (error) {
    // The parser's own message quotes the line, and with it a learner: only its code goes on.
    if (error instanceof CsvError) {
      return refuse('csv-malformed', { file, row: row + 1, reason: error.code });
    }
    throw error;
  }
}

function readText(options: CsvOptions, file: string): string | Refusal {
  const bytesMax = options.bytesMax ?? 256 * 1024 * 1024;
  try {
    const bytes = statSync(options.file).size;
    if (bytes > bytesMax) return refuse('csv-too-large', { file, bytes, bytesMax });
    const raw = readFileSync(options.file);
    const plain = file.endsWith('.gz') ? gunzipSync(raw, { maxOutputLength: bytesMax }) : raw;
    return new TextDecoder(options.encoding ?? 'utf-8', { fatal: true }).decode(plain);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'ENOENT') return refuse('csv-missing', { file });
    if (code === 'ERR_BUFFER_TOO_LARGE') return refuse('csv-too-large', { file, bytesMax });
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return refuse('csv-encoding', { file });
    return refuse('csv-unreadable', { file, reason: code });
  }
}
