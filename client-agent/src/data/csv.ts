import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { type CsvRecord, csvRecords } from './csv-records.ts';

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
  readonly rows: readonly CsvRow[];
  /** One `csv-malformed` for each row that is not among `rows`. */
  readonly dropped: readonly Refusal[];
}

/** One row of a table. */
export interface CsvRow {
  /** The line of the file it begins on; the header is on line 1. */
  readonly row: number;
  /** In the order of the columns asked for. */
  readonly cells: readonly string[];
}

/**
 * Reads the named columns of a CSV file with a header. Refuses facts of the whole file only:
 * `csv-missing`, `csv-unreadable`, `csv-too-large`, `csv-column-missing`, `csv-column-twice`, and
 * `csv-malformed` for a header that cannot be read. Any other row that cannot be read is dropped.
 * No refusal shows a cell's text. Bytes that the encoding does not have come as U+FFFD.
 */
export function readCsv(options: CsvOptions): CsvTable | Refusal {
  const file = basename(options.file);
  const text = readText(options, file);
  if (typeof text !== 'string') return text;
  const records = csvRecords(text, options.delimiter ?? ',');
  const header = headerOf(records.next().value, { file, columns: options.columns });
  if (isRefusal(header)) return header;
  const rows: CsvRow[] = [];
  const dropped: Refusal[] = [];
  for (const { line: row, cells } of records) {
    if (!cells) dropped.push(refuse('csv-malformed', { file, row, reason: MISPLACED_QUOTE }));
    else if (cells.length !== header.width) {
      const facts = { cells: cells.length, expected: header.width };
      dropped.push(refuse('csv-malformed', { file, row, ...facts }));
    } else rows.push({ row, cells: header.picked.map((index) => cells[index]?.trim() ?? '') });
  }
  return { file, rows, dropped };
}

const MISPLACED_QUOTE = 'a quote that is not closed, or not at the edge of its cell';

function headerOf(
  record: CsvRecord | undefined,
  { file, columns }: { file: string; columns: readonly string[] },
): { width: number; picked: number[] } | Refusal {
  if (!record) return refuse('csv-malformed', { file, row: 1, reason: 'empty file' });
  const { line: row, cells } = record;
  if (!cells) return refuse('csv-malformed', { file, row, reason: MISPLACED_QUOTE });
  const names = cells.map((cell) => cell.trim());
  const absent = columns.find((column) => !names.includes(column));
  if (absent !== undefined) return refuse('csv-column-missing', { file, row, column: absent });
  const twice = columns.find((column) => names.indexOf(column) !== names.lastIndexOf(column));
  if (twice !== undefined) return refuse('csv-column-twice', { file, row, column: twice });
  return { width: names.length, picked: columns.map((column) => names.indexOf(column)) };
}

function readText(options: CsvOptions, file: string): string | Refusal {
  const bytesMax = options.bytesMax ?? 256 * 1024 * 1024;
  try {
    const bytes = statSync(options.file).size;
    if (bytes > bytesMax) return refuse('csv-too-large', { file, bytes, bytesMax });
    const raw = readFileSync(options.file);
    const plain = file.endsWith('.gz') ? gunzipSync(raw, { maxOutputLength: bytesMax }) : raw;
    return new TextDecoder(options.encoding ?? 'utf-8').decode(plain);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'ENOENT') return refuse('csv-missing', { file });
    if (code === 'ERR_BUFFER_TOO_LARGE') return refuse('csv-too-large', { file, bytesMax });
    return refuse('csv-unreadable', { file, reason: code });
  }
}
