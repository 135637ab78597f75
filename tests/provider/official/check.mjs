// The vendors' own clients against the fake provider: whatever they refuse, the provider got wrong.
//
//   node check.mjs PROVIDER_PY      starts it with script.json, prints "N passed, N failed"

import { provider, score } from './setup.mjs';

for (const part of ['messages', 'chat', 'responses', 'gemini', 'batches']) await import(`./${part}.mjs`);

provider.kill();
console.log(`${score.passed} passed, ${score.failed} failed`);
process.exitCode = score.failed ? 1 : 0;
