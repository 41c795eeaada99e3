import {
  contractFields,
  type FeatureContract,
  type LearnerRecord,
} from '@tacit/models/outcome/feature-contract.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { type CsvOptions, readCsv } from './csv.ts';
import { loadOulad } from './oulad.ts';

/** Where a business unit keeps its learners; the `source` part of `agent.yaml`. */
export type SourceSpec =
  | ({ readonly kind: 'csv' } & Pick<CsvOptions, 'file' | 'delimiter' | 'encoding'>)
  /** A folder with the tables of the Open University data set, or one region's slice of them. */
  | { readonly kind: 'oulad'; readonly folder: string };

/** Reads what a contract asks for and no other column. Refusals name file, row and column. */
export function loadSource(
  source: SourceSpec,
  contract: FeatureContract,
): LearnerRecord[] | Refusal {
  switch (source.kind) {
    case 'csv':
      return loadCsv(source, contract);
    case 'oulad':
      return loadOulad(source.folder, contractFields(contract));
    default:
      throw new Error(`unknown source kind ${(source satisfies never as SourceSpec).kind}`);
  }
}

function loadCsv(
  source: Extract<SourceSpec, { kind: 'csv' }>,
  contract: FeatureContract,
): LearnerRecord[] | Refusal {
  const columns = contractFields(contract);
  const table = readCsv({ ...source, columns });
  if (isRefusal(table)) return table;
  const records: LearnerRecord[] = [];
  for (const [index, cells] of table.rows.entries()) {
    const values = Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? '']));
    const learnerId = values[contract.learnerField] ?? '';
    const row = index + 2;
    if (learnerId === '') {
      return refuse('csv-value-missing', { file: table.file, row, column: contract.learnerField });
    }
    records.push({ learnerId, file: table.file, row, values });
  }
  return records;
}
