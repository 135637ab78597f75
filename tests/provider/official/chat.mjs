// OpenAI Chat Completions.

import { HELLO, INPUT, NOISY, OpenAI, assert, base, check, openai, schema, user } from './setup.mjs';

const chat = (text, more = {}) => ({ model: 'small-1', messages: [user(text)], ...more });
const functions = [{ type: 'function', function: { name: 'lookup', parameters: schema } }];
const chatStream = (body) =>
  openai.chat.completions.stream({ ...body, stream_options: { include_usage: true } }).finalChatCompletion();

for (const [how, send] of [['whole', (body) => openai.chat.completions.create(body)], ['stream', chatStream]]) {
  const answer = async (...args) => (await send(chat(...args))).choices[0];
  await check(`openai ${how} text`, async () => {
    const reply = await send(chat('hello'));
    assert.equal(reply.choices[0].message.content, HELLO);
    assert.equal(reply.choices[0].finish_reason, 'stop');
    assert.deepEqual([reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens], [2, 11, 13]);
  });
  await check(`openai ${how} noise`, async () => assert.equal((await answer('noisy')).message.content, NOISY));
  await check(`openai ${how} tools`, async () => {
    const { message, finish_reason } = await answer('weather', { tools: functions });
    assert.equal(finish_reason, 'tool_calls');
    assert.deepEqual(message.tool_calls.map((c) => JSON.parse(c.function.arguments)), [INPUT, {}]);
    const results = message.tool_calls.map((c, n) => ({ role: 'tool', tool_call_id: c.id, content: ['rain', 'sun'][n] }));
    const second = await answer('', { tools: functions, messages: [user('weather'), message, ...results] });
    assert.equal(second.message.content, 'Both came back.');
  });
  await check(`openai ${how} refusal`, async () => assert.equal((await answer('refuse')).message.refusal, 'No.'));
  await check(`openai ${how} cache counters`, async () => {
    const body = chat(`hello ${how}`);
    const [first, second] = [await send(body), await send(body)];
    assert.ok(first.usage.prompt_tokens_details.cache_write_tokens > 0);
    assert.equal(second.usage.prompt_tokens_details.cached_tokens, first.usage.prompt_tokens);
  });
}
await check('openai length', async () => {
  assert.equal((await openai.chat.completions.create(chat('truncate'))).choices[0].finish_reason, 'length');
  const short = await chatStream(chat('hello', { max_completion_tokens: 3 }));
  assert.equal(short.choices[0].finish_reason, 'length');
  assert.equal(short.choices[0].message.content, HELLO.slice(0, 12));
});
await check('openai error in the stream', () => assert.rejects(chatStream(chat('in-band')), OpenAI.APIError));
await check('openai typed errors', async () => {
  const quota = new OpenAI({ apiKey: 'check-key', baseURL: `${base}/v1`, maxRetries: 0, logLevel: 'off' });
  await assert.rejects(quota.chat.completions.create(chat('spent')), (e) => e instanceof OpenAI.RateLimitError && e.code === 'credit_balance_exhausted');
  await assert.rejects(openai.chat.completions.create(chat('no such rule')), (e) => e instanceof OpenAI.BadRequestError && Boolean(e.requestID));
  const stranger = new OpenAI({ apiKey: 'other', baseURL: `${base}/v1`, logLevel: 'off' });
  await assert.rejects(stranger.chat.completions.create(chat('hello')), OpenAI.AuthenticationError);
});
await check('openai models', async () => {
  const names = [];
  for await (const model of openai.models.list()) names.push(model.id);
  assert.deepEqual(names, ['big-1', 'small-1']);
  assert.equal((await openai.models.retrieve('small-1')).id, 'small-1');
});
