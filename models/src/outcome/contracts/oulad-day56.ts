import type { FeatureContract, FeatureSpec } from '../feature-contract.ts';

/**
 * Open University learners on day 56 of a presentation: 29 inputs known by then, none of them
 * demographic, and four outcomes. Fields are those of the `oulad` source; bounds were set by hand
 * from what the quantities mean (a score is 0 to 100, day 56 is 56 days in), not from the data.
 */
export const ouladDay56: FeatureContract = {
  id: 'oulad-day56',
  version: 1,
  learnerField: 'id_student',
  rowsPerLearnerMax: 6,
  features: [
    ...['AAA', 'BBB', 'CCC', 'DDD', 'EEE', 'FFF', 'GGG'].map((code) =>
      level(`module_${code.toLowerCase()}`, 'code_module', code),
    ),
    level('starts_in_october', 'presentation_start', 'J'),
    level('year_2014', 'presentation_year', '2014'),
    linear('previous_attempts', 'num_of_prev_attempts', [0, 2]),
    log('studied_credits', 'studied_credits', [30, 240]),
    linear('registration_day', 'date_registration', [-200, 20, 0]),
    linear('submitted', 'submitted_d56', [0, 5]),
    linear('banked', 'banked_count', [0, 3]),
    linear('due_share', 'due_share_d56', [0, 1, 0]),
    linear('due_unsubmitted', 'due_unsubmitted_d56', [0, 3]),
    linear('score_mean', 'score_mean_d56', [40, 100, 0]),
    { name: 'score_missing', field: 'score_mean_d56', transform: 'missing' },
    linear('score_last', 'score_last_d56', [40, 100, 0]),
    linear('score_lowest', 'score_lowest_d56', [40, 100, 0]),
    linear('score_weighted_due', 'score_weighted_due_d56', [0, 100, 0]),
    linear('days_late_mean', 'days_late_mean_d56', [-14, 14, 0]),
    linear('late', 'late_d56', [0, 3]),
    linear('days_since_submission', 'days_since_submission_d56', [0, 56, 0]),
    log('clicks', 'clicks_d56', [10, 3000, -1]),
    log('click_rows', 'rows_d56', [5, 1000, -1]),
    log('clicks_before_start', 'clicks_pre', [0, 500, -1]),
    log('click_rows_before_start', 'rows_pre', [0, 150, -1]),
    { name: 'clicks_missing', field: 'clicks_d56', transform: 'missing' },
  ],
  heads: [
    {
      name: 'pass',
      standsFor: 'outcome',
      horizon: 'end of the presentation',
      field: 'final_result',
      label: 'one-of',
      levels: ['Pass', 'Distinction'],
    },
    {
      name: 'withdraw',
      standsFor: 'retention',
      horizon: 'end of the presentation',
      field: 'final_result',
      label: 'one-of',
      levels: ['Withdrawn'],
    },
    {
      name: 'submit',
      standsFor: 'engagement',
      horizon: 'next assessment, day 61 to 117',
      field: 'next_submitted',
      label: 'flag',
    },
    {
      name: 'score',
      standsFor: 'gain',
      horizon: 'next assessment, day 61 to 117',
      field: 'next_score',
      label: 'at-least',
      threshold: 70,
    },
  ],
};

/** Lower bound, upper bound and, where a value may be missing, the input that stands for it. */
type Range = readonly [number, number, number?];

function level(name: string, field: string, value: string): FeatureSpec {
  return { name, field, transform: 'level', level: value };
}

function linear(name: string, field: string, [lower, upper, whenMissing]: Range): FeatureSpec {
  return { name, field, transform: 'linear', lower, upper, whenMissing };
}

function log(name: string, field: string, [lower, upper, whenMissing]: Range): FeatureSpec {
  return { name, field, transform: 'log', lower, upper, whenMissing };
}
