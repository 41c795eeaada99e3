import { loadLearnerData } from '@tacit/client-agent/driver/learner-data.ts';
import { syntheticContract } from '@tacit/models/outcome/contracts/synthetic.ts';
import { isRefusal } from '@tacit/privacy/refusal.ts';

/** Values that every planted row has in two neighbouring columns, inside their ranges. */
const plantedCells = { spacing: '0.77771259', late_share: '0.33331259' };

/** The id a learner gets: nothing else in a federation looks like it. */
export function plantedId(index: number): string {
  return `PLANTED-${String(index).padStart(5, '0')}-learner`;
}

/** A unit's file with every learner's id and two of its cells replaced by recognisable ones. */
export function planted(csv: string): string {
  const [header, ...rows] = csv.trimEnd().split('\n');
  const columns = header.split(',');
  const ids = new Map<string, string>();
  const lines = rows.map((row) => {
    const cells = row.split(',');
    const id = ids.get(cells[0]) ?? plantedId(ids.size);
    ids.set(cells[0], id);
    cells[columns.indexOf('learner_id')] = id;
    for (const [column, value] of Object.entries(plantedCells)) {
      cells[columns.indexOf(column)] = value;
    }
    return cells.join(',');
  });
  return `${[header, ...lines].join('\n')}\n`;
}

/** A byte string that must not be found, and what it is. */
export interface Needle {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * Everything that would show a planted learner: ids and cells as text, cells as numbers, and cells
 * as the model reads them. Single floats are four bytes and turn up by chance, so they go in pairs.
 */
export function plantedNeedles(csvFile: string): Needle[] {
  const texts = ['PLANTED-', '-learner', ...Object.values(plantedCells).map((v) => v.slice(0, 8))];
  const raw = Object.values(plantedCells).map(Number);
  const doubles = raw.flatMap((value) => numberBytes([value], 8));
  const pairs = [raw, asModelReads(csvFile)].flatMap((pair) => numberBytes(pair, 4));
  const numbers = [...doubles, ...pairs];
  return [
    ...texts.flatMap((text) => [
      ...encodings(text, Buffer.from(text)),
      { name: `${text} in UTF-16`, bytes: Buffer.from(text, 'utf16le') },
    ]),
    ...numbers.flatMap((bytes) => encodings(`number ${bytes.toString('hex')}`, bytes)),
  ];
}

/** Names of the needles that are in the haystack. */
export function found(haystack: Buffer, needles: readonly Needle[]): string[] {
  return needles.filter(({ bytes }) => haystack.includes(bytes)).map(({ name }) => name);
}

function asModelReads(csvFile: string): number[] {
  const data = loadLearnerData({
    source: { kind: 'csv', file: csvFile },
    contract: syntheticContract,
    split: { salt: 'synthetic-v1:', trainPercent: 80 },
  });
  if (isRefusal(data)) throw new Error(JSON.stringify(data));
  const names = syntheticContract.features.map((feature) => feature.name);
  return Object.keys(plantedCells).map((name) => data.training.rows[names.indexOf(name)]);
}

function numberBytes(values: readonly number[], size: 4 | 8): Buffer[] {
  const little = Buffer.alloc(values.length * size);
  const big = Buffer.alloc(values.length * size);
  for (const [i, value] of values.entries()) {
    if (size === 4) little.writeFloatLE(value, 4 * i);
    else little.writeDoubleLE(value, 8 * i);
    if (size === 4) big.writeFloatBE(value, 4 * i);
    else big.writeDoubleBE(value, 8 * i);
  }
  return [little, big];
}

/** The bytes themselves, as hex digits, and as base64 at each of the three alignments. */
function encodings(name: string, bytes: Buffer): Needle[] {
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // Characters that also depend on the bytes around the needle are cut off.
    return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
  });
  return [
    { name, bytes },
    { name: `${name} in hex`, bytes: Buffer.from(bytes.toString('hex')) },
    ...base64.map((text) => ({ name: `${name} in base64`, bytes: Buffer.from(text) })),
  ];
}
