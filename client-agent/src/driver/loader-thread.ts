import { parentPort, workerData } from 'node:worker_threads';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import { buffersOf, type LearnerDataSpec, loadLearnerData } from './learner-data.ts';

// Reading text leaves several times its size in garbage. A thread that ends gives all of it back.
const data = loadLearnerData((workerData as { spec: LearnerDataSpec }).spec);
parentPort?.postMessage(data, isRefusal(data) ? [] : buffersOf(data));
