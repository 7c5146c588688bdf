// Serves the worker on this machine until Ctrl-C:
//
//   node examples/edge-worker/serve.mjs [--port 8787] [--max-bytes 1048576] [--debug]

import { parseArgs } from 'node:util';
import { startWorker } from './workerd.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8787' },
    'max-bytes': { type: 'string', default: String(1024 * 1024) },
    debug: { type: 'boolean', default: false },
  },
});

try {
  if (!/^\d{1,5}$/.test(values.port)) throw new Error(`--port is ${values.port}, expected a number`);
  const { address, exited, stop } = await startWorker({
    port: values.port,
    variables: { MAX_BYTES: values['max-bytes'], DEBUG: values.debug },
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
  console.log(`${address} answers; Ctrl-C ends it`);
  await exited;
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
