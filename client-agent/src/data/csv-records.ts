/** One record of a CSV text; without cells when a quote in it is out of place. */
export interface CsvRecord {
  /** The line it begins on; the first line is 1. */
  readonly line: number;
  readonly cells: readonly string[] | undefined;
}

/**
 * The records of a CSV text (RFC 4180; any line break; empty lines are passed over). A record that
 * cannot be read costs its first line and no more, also when its quote is never closed: it would
 * otherwise swallow the rows of others, and one learner would decide about many.
 */
export function* csvRecords(text: string, delimiter: string): Generator<CsvRecord, undefined> {
  const plainCell = new RegExp(`[^"\\r\\n${delimiter}]*`, 'y');
  let line = 1;
  let start = 0;
  while (start < text.length) {
    const record = recordAt({ text, start, delimiter, plainCell });
    const end = record?.end ?? afterBreak(text, nextBreak(text, start));
    if (!record || record.cells.length > 1 || record.cells[0] !== '') {
      yield { line, cells: record?.cells };
    }
    line += text.slice(start, end).match(/\r\n|\n|\r/g)?.length ?? 0;
    start = end;
  }
}

function recordAt(input: { text: string; start: number; delimiter: string; plainCell: RegExp }) {
  const { text, delimiter, plainCell } = input;
  const cells: string[] = [];
  let at = input.start;
  for (;;) {
    let end: number;
    if (text[at] === '"') {
      const close = closingQuote(text, at);
      if (close < 0) return undefined;
      cells.push(text.slice(at + 1, close).replaceAll('""', '"'));
      end = close + 1;
    } else {
      plainCell.lastIndex = at;
      plainCell.test(text);
      end = plainCell.lastIndex;
      cells.push(text.slice(at, end));
    }
    if (text[end] !== delimiter) {
      const ends = end === text.length || text[end] === '\n' || text[end] === '\r';
      return ends ? { cells, end: afterBreak(text, end) } : undefined;
    }
    at = end + 1;
  }
}

/** Where the quote opened at `open` is closed; a doubled quote stands for one. */
function closingQuote(text: string, open: number): number {
  let at = text.indexOf('"', open + 1);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

function nextBreak(text: string, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== '\n' && text[at] !== '\r') at += 1;
  return at;
}

function afterBreak(text: string, at: number): number {
  return at + (text.startsWith('\r\n', at) ? 2 : 1);
}
