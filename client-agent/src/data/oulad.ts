import type { LearnerRecord } from '@tacit/models/outcome/feature-contract.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import type { LearnerRecords } from './learner-records.ts';
import { type OuladTables, readOuladTables } from './oulad-tables.ts';

/**
 * One record per enrolment still registered on day 56, from the tables of the Open University
 * Learning Analytics Dataset as published (Kuzilek, Hlosta, Zdrahal; doi:10.24432/C5KK69; CC BY
 * 4.0) and the day-56 click totals. Inputs are what was known by day 56: a score counts from the
 * day of its submission, and a banked one (carried over from an earlier attempt, with a date of
 * that time) is counted but is no score. Only the wanted fields are handed over. A row without its
 * counterpart in another table is dropped with `csv-join`.
 */
export function loadOulad(folder: string, fields: readonly string[]): LearnerRecords | Refusal {
  const tables = readOuladTables(folder, fields);
  if (isRefusal(tables)) return tables;
  const dropped = Object.values(tables).flatMap((table) => table.dropped);
  const join = indexTables(tables, dropped);
  const records: LearnerRecord[] = [];
  const { file, rows, rowNumbers } = tables.studentInfo;
  for (const [index, info] of rows.entries()) {
    const at = { file, row: rowNumbers[index] ?? 0 };
    const key = enrolmentKey(info);
    const registration = join.registrations.get(key);
    const presentation = join.presentations.get(presentationKey(info));
    if (!registration || !presentation) {
      const missing = registration ? 'assessments' : 'registration';
      dropped.push(refuse('csv-join', { ...at, missing }));
      continue;
    }
    const left = registration.date_unregistration;
    if (left !== null && left <= PREDICTION_DAY) continue;
    const submissions = join.submissions.get(key) ?? [];
    const all: LearnerRecord['values'] = {
      ...info,
      presentation_year: info.code_presentation.slice(0, 4),
      presentation_start: info.code_presentation.slice(4),
      ...auditFields(info),
      date_registration: registration.date_registration,
      ...clickFields(join.clicks.get(key)),
      ...assessmentFields(submissions, presentation),
      ...outcomeFields(submissions, presentation),
    };
    const values = Object.fromEntries(
      fields.flatMap((field) => (Object.hasOwn(all, field) ? [[field, all[field] ?? null]] : [])),
    );
    records.push({ learnerId: info.id_student, ...at, values });
  }
  return { records, dropped };
}

/** The day predictions are made; nothing later is an input. */
const PREDICTION_DAY = 56;

type Row<T extends keyof OuladTables> = OuladTables[T]['rows'][number];
type Assessment = Row<'assessments'> & { readonly date: number };
type Submission = Row<'studentAssessment'> & { readonly assessment: Assessment };

interface Presentation {
  readonly due: readonly Assessment[];
  /** The first one due after the prediction day; its submission and score are outcomes. */
  readonly next: Assessment;
}

interface Join {
  readonly registrations: ReadonlyMap<string, Row<'studentRegistration'>>;
  readonly clicks: ReadonlyMap<string, Row<'vle_enrolment_d56'>>;
  readonly presentations: ReadonlyMap<string, Presentation>;
  readonly submissions: ReadonlyMap<string, readonly Submission[]>;
}

function indexTables(tables: OuladTables, dropped: Refusal[]): Join {
  return {
    registrations: new Map(tables.studentRegistration.rows.map((r) => [enrolmentKey(r), r])),
    clicks: new Map(tables.vle_enrolment_d56.rows.map((r) => [enrolmentKey(r), r])),
    presentations: presentations(tables),
    submissions: submissionsByEnrolment(tables, dropped),
  };
}

function presentations(tables: OuladTables): Map<string, Presentation> {
  const byPresentation = Map.groupBy(tables.assessments.rows.filter(isDated), presentationKey);
  const result = new Map<string, Presentation>();
  for (const [key, assessments] of byPresentation) {
    const ordered = assessments.toSorted(byDueDay);
    const next = ordered.find((assessment) => assessment.date > PREDICTION_DAY);
    const due = ordered.filter((assessment) => assessment.date <= PREDICTION_DAY);
    if (next) result.set(key, { due, next });
  }
  return result;
}

// Exams have no submission and mostly no date.
function isDated(row: Row<'assessments'>): row is Assessment {
  return row.assessment_type !== 'Exam' && row.date !== null;
}

// Two assessments are often due on one day; the smaller id is the earlier one.
function byDueDay(a: Assessment, b: Assessment): number {
  return a.date - b.date || a.id_assessment - b.id_assessment;
}

function submissionsByEnrolment(
  tables: OuladTables,
  dropped: Refusal[],
): Map<string, Submission[]> {
  const known = new Map(tables.assessments.rows.map((row) => [row.id_assessment, row]));
  const result = new Map<string, Submission[]>();
  const { file, rows, rowNumbers } = tables.studentAssessment;
  for (const [index, row] of rows.entries()) {
    const assessment = known.get(row.id_assessment);
    if (!assessment) {
      dropped.push(
        refuse('csv-join', { file, row: rowNumbers[index] ?? 0, missing: 'assessments' }),
      );
      continue;
    }
    if (!isDated(assessment)) continue;
    const key = enrolmentKey({ ...assessment, id_student: row.id_student });
    const submission = { ...row, assessment };
    const own = result.get(key);
    if (own) own.push(submission);
    else result.set(key, [submission]);
  }
  return result;
}

// The published table spells one deprivation band without its percent sign.
function auditFields(info: LearnerRecord['values']): Record<string, string> {
  return info.imd_band === '10-20' ? { imd_band: '10-20%' } : {};
}

function clickFields(clicks: Row<'vle_enrolment_d56'> | undefined) {
  return {
    clicks_d56: clicks?.clicks_d56 ?? null,
    rows_d56: clicks?.rows_d56 ?? null,
    clicks_pre: clicks?.clicks_pre ?? null,
    rows_pre: clicks?.rows_pre ?? null,
  };
}

function assessmentFields(all: readonly Submission[], { due }: Presentation) {
  const submissions = all
    .filter((s) => s.is_banked === 0 && s.date_submitted <= PREDICTION_DAY)
    .toSorted(
      (a, b) => a.date_submitted - b.date_submitted || byDueDay(a.assessment, b.assessment),
    );
  const scores = submissions.flatMap((s) => (s.score === null ? [] : [s.score]));
  const daysLate = submissions.map((s) => s.date_submitted - s.assessment.date);
  const onDue = submissions.filter((s) => s.assessment.date <= PREDICTION_DAY);
  const dueWeight = sum(due.map((assessment) => assessment.weight));
  const lastDay = submissions.at(-1)?.date_submitted;
  return {
    submitted_d56: submissions.length,
    banked_count: all.filter((s) => s.is_banked === 1).length,
    due_share_d56: ratio(onDue.length, due.length),
    due_unsubmitted_d56: due.length - onDue.length,
    score_mean_d56: ratio(sum(scores), scores.length),
    score_last_d56: scores.at(-1) ?? null,
    score_lowest_d56: scores.length === 0 ? null : Math.min(...scores),
    score_weighted_due_d56: ratio(
      sum(onDue.map((s) => s.assessment.weight * (s.score ?? 0))),
      dueWeight,
    ),
    days_late_mean_d56: ratio(sum(daysLate), daysLate.length),
    late_d56: daysLate.filter((days) => days > 0).length,
    days_since_submission_d56: lastDay === undefined ? null : PREDICTION_DAY - lastDay,
  };
}

// What was submitted by the prediction day, or banked, is known already: no label.
function outcomeFields(submissions: readonly Submission[], { next }: Presentation) {
  const own = submissions.find((s) => s.id_assessment === next.id_assessment);
  if (!own) return { next_submitted: 0, next_score: null };
  if (own.is_banked === 1 || own.date_submitted <= PREDICTION_DAY) {
    return { next_submitted: null, next_score: null };
  }
  return { next_submitted: 1, next_score: own.score };
}

function presentationKey(row: { code_module: string; code_presentation: string }): string {
  return `${row.code_module}/${row.code_presentation}`;
}

function enrolmentKey(row: {
  code_module: string;
  code_presentation: string;
  id_student: string;
}): string {
  return `${presentationKey(row)}/${row.id_student}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
