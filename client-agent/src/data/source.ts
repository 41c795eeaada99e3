import {
  contractFields,
  type FeatureContract,
  isGarbled,
  isMissing,
  type LearnerRecord,
} from '@tacit/models/outcome/feature-contract.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { type CsvOptions, readCsv } from './csv.ts';
import type { LearnerRecords } from './learner-records.ts';
import { loadOulad } from './oulad.ts';

/** Where a business unit keeps its learners; the `source` part of `agent.yaml`. */
export type SourceSpec =
  | ({ readonly kind: 'csv' } & Pick<CsvOptions, 'file' | 'delimiter' | 'encoding'>)
  /** A folder with the tables of the Open University data set, or one region's slice of them. */
  | { readonly kind: 'oulad'; readonly folder: string };

/**
 * Reads what a contract asks for and no other column. Refuses facts of a whole file only: a row
 * that cannot be used is dropped, for whether an agent takes part must not depend on one learner.
 */
export function loadSource(
  source: SourceSpec,
  contract: FeatureContract,
): LearnerRecords | Refusal {
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
): LearnerRecords | Refusal {
  const columns = contractFields(contract);
  const table = readCsv({ ...source, columns });
  if (isRefusal(table)) return table;
  const { file } = table;
  const records: LearnerRecord[] = [];
  const dropped = [...table.dropped];
  for (const { row, cells } of table.rows) {
    const values = Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? '']));
    const learnerId = values[contract.learnerField] ?? '';
    if (isMissing(learnerId) || isGarbled(learnerId)) {
      const code = isMissing(learnerId) ? 'csv-value-missing' : 'csv-encoding';
      dropped.push(refuse(code, { file, row, column: contract.learnerField }));
    } else records.push({ learnerId, file, row, values });
  }
  return { records, dropped };
}
