// OpenAI Responses.

import { HELLO, INPUT, NOISY, OpenAI, assert, check, openai, user } from './setup.mjs';

const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
const tools = [{ type: 'function', name: 'lookup', parameters: city, strict: true }];
const sealed = { include: ['reasoning.encrypted_content'], reasoning: { effort: 'low', summary: 'auto' } };
const ask = (text, more = {}) => ({ model: 'small-1', input: [user(text)], store: false, ...more });
const stream = (body) => openai.responses.stream(body).finalResponse();

for (const [how, send] of [['whole', (body) => openai.responses.create(body)], ['stream', stream]]) {
  await check(`responses ${how} text`, async () => {
    const reply = await send(ask('hello'));
    assert.equal(reply.output_text, HELLO);
    assert.equal(reply.status, 'completed');
    assert.deepEqual([reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.total_tokens], [2, 11, 13]);
  });
  await check(`responses ${how} noise and reasoning`, async () => {
    const reply = await send(ask('noisy', sealed));
    assert.deepEqual(reply.output.map((item) => item.type), ['reasoning', 'message']);
    assert.equal(reply.output[0].summary[0].text, 'Let me see.');
    assert.ok(reply.output[0].encrypted_content);
    assert.equal(reply.output_text, NOISY);
  });
  await check(`responses ${how} tools`, async () => {
    const first = await send(ask('weather', { tools, ...sealed }));
    const calls = first.output.filter((item) => item.type === 'function_call');
    assert.deepEqual(calls.map((call) => JSON.parse(call.arguments)), [INPUT, {}]);
    const results = calls.map((call, n) => ({ type: 'function_call_output', call_id: call.call_id, output: ['rain', 'sun'][n] }));
    // The stream helper adds parsed_arguments to what it returns; they do not belong into a request.
    const output = first.output.map(({ parsed_arguments, ...item }) => item);
    const second = await send(ask('', { tools, ...sealed, input: [user('weather'), ...output, ...results] }));
    assert.equal(second.output_text, 'Both came back.');
  });
  await check(`responses ${how} statuses`, async () => {
    const cut = await send(ask('truncate'));
    assert.deepEqual([cut.status, cut.incomplete_details.reason], ['incomplete', 'max_output_tokens']);
    const refused = await send(ask('refuse'));
    assert.equal(refused.output[0].content[0].refusal, 'No.');
  });
  await check(`responses ${how} cache counters`, async () => {
    const body = ask(`hello ${how}, responses`);
    const [first, second] = [await send(body), await send(body)];
    assert.ok(first.usage.input_tokens_details.cache_write_tokens > 0);
    assert.equal(second.usage.input_tokens_details.cached_tokens, first.usage.input_tokens);
  });
}
await check('responses structured output', async () => {
  const format = { type: 'json_schema', name: 'place', strict: true, schema: city };
  assert.equal((await openai.responses.create(ask('hello', { text: { format } }))).output_text, HELLO);
});
await check('responses stored', async () => {
  const first = await openai.responses.create(ask('weather', { tools, store: true }));
  const calls = first.output.filter((item) => item.type === 'function_call');
  const input = calls.map((call, n) => ({ type: 'function_call_output', call_id: call.call_id, output: ['rain', 'sun'][n] }));
  const second = await openai.responses.create(ask('', { tools, input, previous_response_id: first.id }));
  assert.equal(second.output_text, 'Both came back.');
});
await check('responses error in the stream', () => assert.rejects(stream(ask('in-band'))));
await check('responses typed errors', async () => {
  await assert.rejects(openai.responses.create(ask('no such rule')), OpenAI.BadRequestError);
  await assert.rejects(openai.responses.create({ ...ask('hello'), messages: [] }), (e) => e.param === 'messages');
});
await check('responses count', async () => {
  const counted = await openai.responses.inputTokens.count({ model: 'small-1', input: 'hello' });
  assert.equal(counted.input_tokens, 2);
});
