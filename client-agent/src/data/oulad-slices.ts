import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import { type CsvTable, readCsv } from './csv.ts';
import { tablePath } from './typed-table.ts';

/** Where the rows of one region were written. */
export interface OuladSlice {
  /** The BU id: the region's name in kebab-case. */
  readonly bu: string;
  readonly region: string;
  readonly folder: string;
}

/**
 * Writes one folder per region with the rows of that region's learners only, so that every agent
 * process of a demonstration can be given its own and no other. Slices come in order of BU id. A
 * row that cannot be read is refused: no agent is at work here.
 */
export function sliceOulad(folder: string, outFolder: string): OuladSlice[] | Refusal {
  const tables: Record<string, CsvTable> = {};
  for (const [name, columns] of Object.entries(COLUMNS)) {
    const table = readCsv({ file: tablePath(folder, name), columns });
    if (isRefusal(table)) return table;
    const [bad] = table.dropped;
    if (bad) return bad;
    tables[name] = table;
  }
  const regionOf = regionByLearner(tables.studentInfo);
  const slices = [...new Set(regionOf.values())]
    .map((region) => ({ bu: buId(region), region, folder: join(outFolder, buId(region)) }))
    .sort((a, b) => (a.bu < b.bu ? -1 : 1));
  for (const slice of slices) mkdirSync(slice.folder, { recursive: true, mode: 0o700 });
  for (const [name, columns] of Object.entries(COLUMNS)) {
    const rows = tables[name]?.rows.map((row) => row.cells) ?? [];
    const learnerAt = columns.indexOf('id_student');
    const byRegion = Map.groupBy(rows, (row) => regionOf.get(row[learnerAt] ?? ''));
    for (const { region, folder: own } of slices) {
      const ownRows = learnerAt === -1 ? rows : (byRegion.get(region) ?? []);
      writeFileSync(join(own, `${name}.csv`), csvText([columns, ...ownRows]));
    }
  }
  return slices;
}

const ENROLMENT = ['code_module', 'code_presentation', 'id_student'];

// As published; a table without `id_student` is public and goes to every region whole.
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  studentInfo: [
    ...ENROLMENT,
    'gender',
    'region',
    'highest_education',
    'imd_band',
    'age_band',
    'num_of_prev_attempts',
    'studied_credits',
    'disability',
    'final_result',
  ],
  studentRegistration: [...ENROLMENT, 'date_registration', 'date_unregistration'],
  studentAssessment: ['id_assessment', 'id_student', 'date_submitted', 'is_banked', 'score'],
  vle_enrolment_d56: [...ENROLMENT, 'clicks_d56', 'rows_d56', 'clicks_pre', 'rows_pre'],
  assessments: [
    'code_module',
    'code_presentation',
    'id_assessment',
    'assessment_type',
    'date',
    'weight',
  ],
  courses: ['code_module', 'code_presentation', 'module_presentation_length'],
};

function regionByLearner(info: CsvTable | undefined): Map<string, string> {
  const columns = COLUMNS.studentInfo ?? [];
  const learnerAt = columns.indexOf('id_student');
  const regionAt = columns.indexOf('region');
  return new Map(info?.rows.map(({ cells }) => [cells[learnerAt] ?? '', cells[regionAt] ?? '']));
}

function buId(region: string): string {
  return region.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}

// No published cell holds a quote, comma or line break, but another export might.
function csvText(rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return `${rows.map((row) => row.map(cell).join(',')).join('\n')}\n`;
}
