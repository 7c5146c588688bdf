/** The program of a measuring process: sets up one contender for one workload, then times rounds as it is asked to. */
import { contenders, type Trial } from './contenders.ts';
import { allowRelaxedSimd } from './flags.ts';
import { callsOf, fastestOf, roundOf } from './rounds.ts';
import type { Answer, Request } from './station.ts';

allowRelaxedSimd();
let trial: Trial | undefined;
let calls = 1;

function answer(request: Request): number {
  if (request.kind === 'round') return roundOf(trial!.run, request.time, calls);
  const { contender, operation, problem, time } = request;
  trial = contenders.find(({ name }) => name === contender)!.prepare(operation, problem);
  const fastest = fastestOf(trial.run, time);
  calls = callsOf(fastest);
  return fastest;
}

process.on('message', (request: Request) => {
  process.send!({ milliseconds: answer(request) } satisfies Answer);
});
