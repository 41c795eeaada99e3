import { expect, test } from 'vitest';
import { authored } from '../testing/authored.ts';
import { scheduleOf } from './schedule.ts';

test('an evaluation is a round of its own, right behind the training rounds it names', () => {
  expect(scheduleOf(authored())).toEqual([
    { round: 0, purpose: 'training', trained: 1 },
    { round: 1, purpose: 'training', trained: 2 },
    { round: 2, purpose: 'evaluation', trained: 2 },
    { round: 3, purpose: 'training', trained: 3 },
    { round: 4, purpose: 'training', trained: 4 },
    { round: 5, purpose: 'evaluation', trained: 4 },
  ]);
});
