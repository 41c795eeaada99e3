import { courseCodes } from '../../synthetic/courses.ts';
import { skills } from '../../synthetic/skills.ts';
import type { FeatureContract, FeatureSpec } from '../feature-contract.ts';

/**
 * The built-in invented cohort: 82 inputs of a finished course and its four outcomes. Bounds are
 * those of the generator's design.
 */
export const syntheticContract: FeatureContract = {
  id: 'synthetic-cohort',
  version: 1,
  learnerField: 'learner_id',
  rowsPerLearnerMax: 3,
  features: [
    ...skills.flatMap((skill) => [
      linear(`attempts_${skill}`, [0, 15]),
      linear(`correct_${skill}`, [0, 1, 0]),
    ]),
    ...courseCodes.map(
      (code): FeatureSpec => ({
        name: `course_${code}`,
        field: 'course',
        transform: 'level',
        level: code,
      }),
    ),
    linear('days_active', [0, 20]),
    linear('sessions', [0, 30]),
    { name: 'minutes', field: 'minutes', transform: 'log', lower: 20, upper: 600 },
    { name: 'retries', field: 'retries', transform: 'log', lower: 0, upper: 20 },
    { name: 'hints', field: 'hints', transform: 'log', lower: 0, upper: 20 },
    linear('video_share', [0, 1]),
    linear('spacing', [0.4, 1]),
    linear('late_share', [0, 0.8]),
    linear('days_since_last', [0, 25]),
    linear('earlier_courses', [0, 6]),
  ],
  heads: [
    {
      name: 'gain',
      standsFor: 'gain',
      horizon: 'end of the course',
      field: 'gain',
      label: 'flag',
    },
    {
      name: 'retention',
      standsFor: 'retention',
      horizon: '30 days after the course',
      field: 'retention',
      label: 'flag',
    },
    {
      name: 'engagement',
      standsFor: 'engagement',
      horizon: '14 days after the course',
      field: 'engagement',
      label: 'flag',
    },
    {
      name: 'transfer',
      standsFor: 'transfer',
      horizon: '60 days after the course',
      field: 'transfer',
      label: 'flag',
    },
  ],
};

/** Lower bound, upper bound and, where a value may be missing, the input that stands for it. */
type Range = readonly [number, number, number?];

function linear(field: string, [lower, upper, whenMissing]: Range): FeatureSpec {
  return { name: field, field, transform: 'linear', lower, upper, whenMissing };
}
