// Batches of the three vendors: one item answers, one finds no rule.

import { toFile } from 'openai';
import { HELLO, assert, anthropic, check, google, openai, user } from './setup.mjs';

const TEXTS = { good: 'hello', bad: 'no such rule', late: 'expires' };

async function ended(poll, over) {
  for (let n = 0; n < 10; n++) {
    const job = await poll();
    if (over(job)) return job;
  }
  throw new Error('never ended');
}

await check('anthropic batch', async () => {
  const requests = Object.entries(TEXTS).map(([custom_id, text]) => ({ custom_id, params: { model: 'small-1', max_tokens: 100, messages: [user(text)] } }));
  const { id } = await anthropic.messages.batches.create({ requests });
  await assert.rejects(anthropic.messages.batches.results(id), /results_url/);
  const job = await ended(() => anthropic.messages.batches.retrieve(id), (one) => one.processing_status === 'ended');
  assert.deepEqual([job.request_counts.succeeded, job.request_counts.errored, job.request_counts.expired], [1, 1, 1]);
  const results = {};
  for await (const line of await anthropic.messages.batches.results(id)) results[line.custom_id] = line.result;
  assert.equal(results.good.message.content[0].text, HELLO);
  assert.equal(results.bad.error.error.type, 'invalid_request_error');
  assert.equal(results.late.type, 'expired');
  const ids = [];
  for await (const one of anthropic.messages.batches.list()) ids.push(one.id);
  assert.deepEqual(ids, [id]);
  assert.equal((await anthropic.messages.batches.delete(id)).type, 'message_batch_deleted');
});
await check('anthropic batch cancelled', async () => {
  const { id } = await anthropic.messages.batches.create({ requests: [{ custom_id: 'a', params: { model: 'small-1', max_tokens: 9, messages: [user('hello')] } }] });
  assert.equal((await anthropic.messages.batches.cancel(id)).processing_status, 'canceling');
  assert.equal((await anthropic.messages.batches.retrieve(id)).request_counts.canceled, 1);
});
for (const [url, body] of [
  ['/v1/responses', (text) => ({ model: 'small-1', input: text, store: false })],
  ['/v1/chat/completions', (text) => ({ model: 'small-1', messages: [user(text)] })],
]) {
  await check(`openai batch ${url}`, async () => {
    const lines = Object.entries(TEXTS).map(([custom_id, text]) => JSON.stringify({ custom_id, method: 'POST', url, body: body(text) }));
    const file = await openai.files.create({ file: await toFile(Buffer.from(lines.join('\n')), 'in.jsonl'), purpose: 'batch' });
    assert.equal(file.filename, 'in.jsonl');
    const made = await openai.batches.create({ input_file_id: file.id, endpoint: url, completion_window: '24h' });
    assert.equal(made.status, 'validating');
    const job = await ended(() => openai.batches.retrieve(made.id), (one) => one.status === 'completed');
    const read = async (id) => (await (await openai.files.content(id)).text()).trim().split('\n').map((line) => JSON.parse(line));
    const [good] = await read(job.output_file_id);
    const said = url === '/v1/responses' ? good.response.body.output[0].content[0].text : good.response.body.choices[0].message.content;
    assert.equal(said, HELLO);
    const failures = Object.fromEntries((await read(job.error_file_id)).map((line) => [line.custom_id, line]));
    assert.equal(failures.bad.response.status_code, 400);
    assert.equal(failures.late.error.code, 'batch_expired');
    assert.equal((await openai.files.delete(file.id)).deleted, true);
  });
}
await check('openai batch cancelled', async () => {
  const line = JSON.stringify({ custom_id: 'a', method: 'POST', url: '/v1/responses', body: { model: 'small-1', input: 'hello' } });
  const file = await openai.files.create({ file: await toFile(Buffer.from(line), 'in.jsonl'), purpose: 'batch' });
  const { id } = await openai.batches.create({ input_file_id: file.id, endpoint: '/v1/responses', completion_window: '24h' });
  assert.equal((await openai.batches.cancel(id)).status, 'cancelling');
  assert.equal((await openai.batches.retrieve(id)).status, 'cancelled');
});
await check('gemini batch', async () => {
  const src = Object.entries(TEXTS).map(([key, text]) => ({ contents: [{ role: 'user', parts: [{ text }] }], metadata: { key } }));
  const made = await google.batches.create({ model: 'small-1', src, config: { displayName: 'mine' } });
  assert.equal(made.state, 'JOB_STATE_PENDING');
  const job = await ended(() => google.batches.get({ name: made.name }), (one) => one.state === 'JOB_STATE_SUCCEEDED');
  const results = Object.fromEntries(job.dest.inlinedResponses.map((one) => [one.metadata.key, one]));
  assert.equal(results.good.response.candidates[0].content.parts[0].text, HELLO);
  assert.ok(results.bad.error && results.late.error);
});
await check('gemini batch cancelled', async () => {
  const made = await google.batches.create({ model: 'small-1', src: [{ contents: 'hello' }] });
  await google.batches.cancel({ name: made.name });
  assert.equal((await google.batches.get({ name: made.name })).state, 'JOB_STATE_CANCELLED');
  await google.batches.delete({ name: made.name });
});
