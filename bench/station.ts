import { type ChildProcess, fork } from 'node:child_process';
import type { Problem } from '../test/reference/index.ts';
import type { Operation } from './cases.ts';

/** A process that measures one contender on one workload and sleeps between rounds. Times are milliseconds per call. */
export interface Station {
  /** Warms up; resolves to the fastest call. */
  prepare(time: number): Promise<number>;
  /** Resolves to the median of a round. */
  round(time: number): Promise<number>;
  close(): void;
}

export type Request =
  | {
      readonly kind: 'prepare';
      readonly operation: Operation;
      readonly problem: Problem;
      readonly contender: string;
      readonly time: number;
    }
  | { readonly kind: 'round'; readonly time: number };

export interface Answer {
  readonly milliseconds: number;
}

function ask(child: ChildProcess, request: Request): Promise<number> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a measuring process ended with code ${code}`));
    child.once('exit', ended);
    child.once('message', (answer: Answer) => {
      child.off('exit', ended);
      resolve(answer.milliseconds);
    });
    child.send(request);
  });
}

/** A station for a contender of contenders.ts, run by the bundled child.ts. */
export function openStation(program: string, operation: Operation, problem: Problem, contender: string): Station {
  // typed arrays go across as they are
  const child = fork(program, { execArgv: [], serialization: 'advanced' });
  return {
    prepare: (time) => ask(child, { kind: 'prepare', operation, problem, contender, time }),
    round: (time) => ask(child, { kind: 'round', time }),
    close: () => {
      if (child.connected) child.disconnect();
    },
  };
}
