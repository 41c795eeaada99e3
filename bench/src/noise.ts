import { Prg } from '@tacit/privacy/crypto/prg.ts';
import { sampleInto } from '@tacit/privacy/mechanism/discrete-gaussian.ts';
import { interleaved, minimum } from './interleaved.ts';
import { type BenchRow, rowOf } from './row.ts';

/**
 * One draw of the exact discrete Gaussian, in ns. Floor: one uniform 32-bit word for each draw
 * from the same generator.
 */
export function noiseBench(): BenchRow[] {
  return SIGMAS.map((sigma) => {
    const target = new Int32Array(SAMPLES);
    let key = 0;
    const prg = () => new Prg(new Uint8Array(32).fill(++key));
    const times = interleaved(
      [() => sampleInto(target, sigma * sigma, prg()), () => prg().bytes(4 * SAMPLES)],
      { repeats: 30, warmUp: 5, statistic: minimum },
    );
    const [value, floor] = times.map((ms) => (ms * 1e6) / SAMPLES);
    return rowOf({
      bench: 'noise',
      case: `sigma = ${sigma}`,
      value: value!,
      unit: 'ns/sample',
      floor: floor!,
    });
  });
}

const SIGMAS = [4, 64, 2000];
const SAMPLES = 20_000;
