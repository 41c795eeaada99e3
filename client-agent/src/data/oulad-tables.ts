import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import { readTypedTable, type Schema, type TypedTable } from './typed-table.ts';

const enrolment = { code_module: 'text', code_presentation: 'text', id_student: 'text' } as const;

/**
 * The columns read of each table. `assessments` is public; a BU holds its own learners' rows of the
 * others.
 */
const schemas = {
  studentInfo: {
    ...enrolment,
    num_of_prev_attempts: 'number',
    studied_credits: 'number',
    final_result: 'text',
  },
  studentRegistration: {
    ...enrolment,
    date_registration: 'number?',
    date_unregistration: 'number?',
  },
  assessments: {
    code_module: 'text',
    code_presentation: 'text',
    id_assessment: 'number',
    assessment_type: 'text',
    date: 'number?',
    weight: 'number',
  },
  studentAssessment: {
    id_assessment: 'number',
    id_student: 'text',
    date_submitted: 'number',
    is_banked: 'number',
    score: 'number?',
  },
  vle_enrolment_d56: {
    ...enrolment,
    clicks_d56: 'number',
    rows_d56: 'number',
    clicks_pre: 'number',
    rows_pre: 'number',
  },
} as const satisfies Record<string, Schema>;

/** The tables of a folder by file name, each row typed by its schema. */
export type OuladTables = {
  readonly [T in keyof typeof schemas]: TypedTable<(typeof schemas)[T]>;
};

/** Columns about the person: for audits, never inputs, and read only when they are asked for. */
const auditColumns = ['gender', 'age_band', 'disability', 'imd_band'];

/**
 * Reads the five tables (`.csv` or `.csv.gz`) of a folder; the first refusal is the result. A bad
 * row of `assessments` is refused too: it is no learner's, and it would spoil everybody's labels.
 */
export function readOuladTables(folder: string, fields: readonly string[]): OuladTables | Refusal {
  const audited = auditColumns.filter((column) => fields.includes(column));
  const audit: Schema = Object.fromEntries(audited.map((column) => [column, 'text?']));
  const tables: Record<string, TypedTable<Schema>> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const wanted = name === 'studentInfo' ? { ...schema, ...audit } : schema;
    const table = readTypedTable<Schema>(folder, name, wanted);
    if (isRefusal(table)) return table;
    const [bad] = table.dropped;
    if (name === 'assessments' && bad) return bad;
    tables[name] = table;
  }
  return tables as OuladTables;
}
