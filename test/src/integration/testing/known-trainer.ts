import { createHash } from 'node:crypto';
import type { Trainer } from '@tacit/client-agent/driver/trainer.ts';
import { hex } from '@tacit/privacy/crypto/bytes.ts';
import { Prg } from '@tacit/privacy/crypto/prg.ts';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import { noiseKeyOf } from '@tacit/privacy/secagg/hedge.ts';
import { wordBytes } from '@tacit/privacy/secagg/mask.ts';
import { mechanismsOf } from '@tacit/proto/plan/mechanisms.ts';
import { dieAt } from './fault.ts';
import { writeRecord } from './record.ts';

/** Fewest milliseconds one contribution takes, so that a test can step in between rounds. */
const paceMs = 50;

/**
 * Contributes integers that follow from the agent's folder and the round's transcript, with the
 * real mechanism's noise, and records the words before they go anywhere.
 */
export function knownTrainer(folder: string): Trainer {
  return {
    contribute: async ({ plan, purpose, noise, slot }) => {
      const mechanisms = mechanismsOf(plan);
      if (isRefusal(mechanisms)) return mechanisms;
      const mechanism = mechanisms[purpose];
      const seed = createHash('sha256').update(folder).update(noise.transcript).digest();
      const words = new Int32Array(mechanism.spec.dimension);
      for (const [i] of words.entries()) words[i] = seed[i % 32] - 128;
      mechanism.addNoise(words, new Prg(noiseKeyOf(noise, words).reveal()));
      const transcript = hex(noise.transcript);
      writeRecord(folder, {
        kind: 'contributed',
        runId: plan.runId,
        slot,
        transcript,
        words: hex(wordBytes(words)),
      });
      dieAt(folder, 'before-charge');
      await new Promise((done) => setTimeout(done, paceMs));
      return words;
    },
    close: async () => undefined,
  };
}
