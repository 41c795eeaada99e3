import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';

/**
 * What a model may read of a learner and how each value becomes an input. A contract is data: it
 * travels inside the plan and its hash. Every bound is a public constant, so scaling releases
 * nothing and costs no budget (PRIVACY.md section 11 prices the alternative).
 */
export interface FeatureContract {
  readonly id: string;
  readonly version: number;
  /** The field that names the learner, the privacy unit. It is never an input. */
  readonly learnerField: string;
  readonly features: readonly FeatureSpec[];
  readonly heads: readonly HeadSpec[];
  /** Most rows one learner may bring; the last ones in source order are kept. */
  readonly rowsPerLearnerMax: number;
}

/**
 * One input: a source field and a transform of a closed set.
 * - `linear`: clamped to `[lower, upper]`, then mapped to `[-1, 1]`.
 * - `log`: the same after `log1p`; `lower` is at least 0.
 * - `level`: 1 when the field equals `level`, else 0 (a missing value equals no level).
 * - `missing`: 1 when the field is empty or `?`, else 0.
 *
 * `whenMissing` is the input that stands for a missing number; without it such a row is dropped.
 */
export type FeatureSpec = { readonly name: string; readonly field: string } & (
  | (Bounds & { readonly transform: 'linear' | 'log' })
  | { readonly transform: 'level'; readonly level: string }
  | { readonly transform: 'missing' }
);

interface Bounds {
  readonly lower: number;
  readonly upper: number;
  readonly whenMissing?: number;
}

/**
 * One predicted outcome. A missing value is no label. `flag`: the field is 0 or 1. `at-least`: 1
 * when the field reaches `threshold`. `one-of`: 1 when the field is among `levels`.
 */
export type HeadSpec = {
  readonly name: string;
  readonly standsFor: 'outcome' | 'retention' | 'engagement' | 'gain' | 'transfer';
  /** When the outcome is known, in words: `end of the presentation`. */
  readonly horizon: string;
  readonly field: string;
} & (
  | { readonly label: 'flag' }
  | { readonly label: 'at-least'; readonly threshold: number }
  | { readonly label: 'one-of'; readonly levels: readonly string[] }
);

/** One row of a source: text as read or numbers as joined; `null`, empty and `?` are missing. */
export interface LearnerRecord {
  readonly learnerId: string;
  /** Where the row came from, for refusals only: file name and row, the header being row 1. */
  readonly file: string;
  readonly row: number;
  readonly values: Readonly<Record<string, string | number | null>>;
}

/** Learners as a model reads them: rows grouped by learner, learners in ascending id order. */
export interface Dataset {
  /** Row-major, rows x features. */
  readonly rows: Float32Array;
  /** Row-major, rows x heads: 0, 1, or NaN where a head has no label. */
  readonly labels: Float32Array;
  /** Learners + 1 entries: learner `i` owns rows `[start[i], start[i + 1])`. */
  readonly learnerRowStart: Uint32Array;
  readonly learnerIds: string[];
}

/** What a contract makes of records. */
export interface ContractedRows {
  readonly data: Dataset;
  /** One refusal for each dropped row: file, row and column, never a learner or a value. */
  readonly dropped: readonly Refusal[];
}

/**
 * Turns records into the rows a model reads. A record with text where a number belongs, a missing
 * value without a stand-in or undecodable text is dropped: nothing that one learner's row holds may
 * decide whether the others' are used. Its learner keeps a place, without rows if need be. Refuses
 * only records that lack a column (`csv-column-missing`): that is a fact of their source.
 */
export function applyContract(
  contract: FeatureContract,
  records: readonly LearnerRecord[],
): ContractedRows | Refusal {
  const learners = new Map<string, ModelRow[]>();
  const dropped: Refusal[] = [];
  for (const record of records) {
    const own = learners.get(record.learnerId) ?? [];
    learners.set(record.learnerId, own);
    const row = modelRow(contract, record);
    if (!isRefusal(row)) own.push(row);
    else if (row.refused === 'csv-column-missing') return row;
    else dropped.push(row);
  }
  return { data: datasetOf(contract, learners), dropped };
}

/** The inputs of one record, in contract order. */
export function featureRow(
  contract: FeatureContract,
  record: LearnerRecord,
): Float32Array | Refusal {
  const row = new Float32Array(contract.features.length);
  for (const [index, feature] of contract.features.entries()) {
    const value = input(feature, record);
    if (typeof value !== 'number') return value;
    row[index] = value;
  }
  return row;
}

/** Every field a contract reads, once each: all that a source has to hand over. */
export function contractFields(contract: FeatureContract): string[] {
  const fields = [...contract.features, ...contract.heads].map((spec) => spec.field);
  return [...new Set([contract.learnerField, ...fields])];
}

/** Refuses a contract whose parts contradict each other; `undefined` means it is sound. */
export function checkContract(contract: FeatureContract): Refusal | undefined {
  const { features, heads, rowsPerLearnerMax, learnerField } = contract;
  const invalid = (reason: string, facts: Refusal['facts'] = {}) =>
    refuse('contract-invalid', { contract: contract.id, reason, ...facts });
  if (features.length === 0 || heads.length === 0) return invalid('no feature or no head');
  if (!Number.isInteger(rowsPerLearnerMax) || rowsPerLearnerMax < 1 || rowsPerLearnerMax > 6) {
    return invalid('rowsPerLearnerMax must be 1 to 6', { rowsPerLearnerMax });
  }
  for (const specs of [features, heads]) {
    const twice = specs.find((spec, i) => specs.findIndex((s) => s.name === spec.name) !== i);
    if (twice) return invalid('a name occurs twice', { name: twice.name });
  }
  const labelFields = new Set(heads.map((head) => head.field));
  for (const feature of features) {
    const { name, field } = feature;
    if (field === learnerField) return invalid('the learner id is not an input', { name });
    if (labelFields.has(field)) return invalid('a label is not an input', { name });
    if (!('lower' in feature)) continue;
    const { lower, upper, whenMissing = 0 } = feature;
    if (![lower, upper].every(Number.isFinite) || lower >= upper) {
      return invalid('bounds must be finite, lower below upper', { name, lower, upper });
    }
    if (feature.transform === 'log' && lower < 0) {
      return invalid('a log needs a lower bound of at least 0', { name, lower });
    }
    // Inputs about [-1, 1] keep the gradient norm, and so the clip norm, of a known size.
    if (!(Math.abs(whenMissing) <= 1)) {
      return invalid('whenMissing must lie in [-1, 1]', { name, whenMissing });
    }
  }
  return undefined;
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The number a text spells in plain decimal notation; `undefined` for anything else, NaN too. */
export function decimalOf(text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Whether a text holds bytes that its encoding does not have: a decoder writes U+FFFD for them. */
export function isGarbled(text: string): boolean {
  return text.includes('\uFFFD');
}

/** Whether a cell holds nothing: empty, or the `?` of published learning data. */
export function isMissing(value: string | number | null): value is null | '' | '?' {
  return value === null || value === '' || value === '?';
}

interface ModelRow {
  readonly inputs: Float32Array;
  readonly labels: Float32Array;
}

function modelRow(contract: FeatureContract, record: LearnerRecord): ModelRow | Refusal {
  const inputs = featureRow(contract, record);
  if (isRefusal(inputs)) return inputs;
  const labels = labelRow(contract, record);
  return isRefusal(labels) ? labels : { inputs, labels };
}

function datasetOf(
  { features, heads, rowsPerLearnerMax }: FeatureContract,
  learners: ReadonlyMap<string, readonly ModelRow[]>,
): Dataset {
  // Code-unit order, not locale order: the same ids get the same slots on every machine.
  const groups = [...learners]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, rows]) => [id, rows.slice(-rowsPerLearnerMax)] as const);
  const rowCount = groups.reduce((sum, [, rows]) => sum + rows.length, 0);
  const rows = new Float32Array(rowCount * features.length);
  const labels = new Float32Array(rowCount * heads.length);
  const learnerRowStart = new Uint32Array(groups.length + 1);
  let row = 0;
  for (const [index, [, own]] of groups.entries()) {
    for (const one of own) {
      rows.set(one.inputs, row * features.length);
      labels.set(one.labels, row * heads.length);
      row += 1;
    }
    learnerRowStart[index + 1] = row;
  }
  return { rows, labels, learnerRowStart, learnerIds: groups.map(([id]) => id) };
}

function input(feature: FeatureSpec, record: LearnerRecord): number | Refusal {
  const cell = cellOf(record, feature.field);
  if (isRefusal(cell)) return cell;
  switch (feature.transform) {
    case 'missing':
      return isMissing(cell) ? 1 : 0;
    case 'level':
      return String(cell) === feature.level ? 1 : 0;
    case 'linear':
    case 'log': {
      if (isMissing(cell)) {
        return feature.whenMissing ?? at('csv-value-missing', record, feature.field);
      }
      const value = numberOf(cell);
      if (value === undefined) return at('csv-not-a-number', record, feature.field);
      return scaled(value, feature);
    }
    default:
      throw new Error(`unknown transform in ${(feature satisfies never as FeatureSpec).name}`);
  }
}

function scaled(
  value: number,
  { transform, lower, upper }: Bounds & { readonly transform: 'linear' | 'log' },
): number {
  const clamped = Math.min(Math.max(value, lower), upper);
  const map = transform === 'log' ? Math.log1p : (x: number) => x;
  return (2 * (map(clamped) - map(lower))) / (map(upper) - map(lower)) - 1;
}

function labelRow(contract: FeatureContract, record: LearnerRecord): Float32Array | Refusal {
  const row = new Float32Array(contract.heads.length);
  for (const [index, head] of contract.heads.entries()) {
    const value = label(head, record);
    if (typeof value !== 'number') return value;
    row[index] = value;
  }
  return row;
}

function label(head: HeadSpec, record: LearnerRecord): number | Refusal {
  const cell = cellOf(record, head.field);
  if (isRefusal(cell)) return cell;
  if (isMissing(cell)) return Number.NaN;
  if (head.label === 'one-of') return head.levels.includes(String(cell)) ? 1 : 0;
  const value = numberOf(cell);
  if (value === undefined) return at('csv-not-a-number', record, head.field);
  if (head.label === 'at-least') return value >= head.threshold ? 1 : 0;
  return value === 0 || value === 1 ? value : at('csv-not-a-flag', record, head.field);
}

function cellOf(record: LearnerRecord, field: string): string | number | null | Refusal {
  // A contract is data from elsewhere: its field must not reach what every object inherits.
  const cell = Object.hasOwn(record.values, field) ? record.values[field] : undefined;
  if (cell === undefined) return at('csv-column-missing', record, field);
  return typeof cell === 'string' && isGarbled(cell) ? at('csv-encoding', record, field) : cell;
}

function numberOf(cell: string | number): number | undefined {
  if (typeof cell === 'string') return decimalOf(cell);
  return Number.isFinite(cell) ? cell : undefined;
}

function at(code: string, record: LearnerRecord, column: string): Refusal {
  return refuse(code, { file: record.file, row: record.row, column });
}
