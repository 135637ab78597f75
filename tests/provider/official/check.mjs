// The vendors' own clients against the fake provider: whatever they refuse, the provider got wrong.
//
//   node check.mjs PROVIDER_PY      starts it with script.json, prints "N passed, N failed"

import { spawn } from 'node:child_process';
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

const provider = spawn('python3', [process.argv[2], '--script', 'script.json', '--cache-min', '1',
  '--require-key', 'check-key', '--models', 'big-1,small-1', '--parent', String(process.pid)],
  { stdio: ['ignore', 'pipe', 'inherit'] });
const base = await new Promise((resolve) => provider.stdout.once('data', (line) => resolve(/http:\S+/.exec(line)[0])));
const anthropic = new Anthropic({ apiKey: 'check-key', baseURL: base, logLevel: 'off' });
const openai = new OpenAI({ apiKey: 'check-key', baseURL: `${base}/v1`, logLevel: 'off' });

const NOISY = 'naïve – 日本語 🎈 end';
const HELLO = 'Hello to you, and to all who read this line.';
const INPUT = { city: 'Zürich', deep: { list: [1, 2.5, null, '}'] } };
const schema = { type: 'object', properties: { city: { type: 'string' } } };
const user = (content) => ({ role: 'user', content });

let passed = 0, failed = 0;
async function check(name, body) {
  try { await body(); passed++; } catch (error) { failed++; console.log(`not ok ${name}:`, error); }
}

// --- Anthropic Messages ---

const messages = (text, more = {}) => ({ model: 'small-1', max_tokens: 500, messages: [user(text)], ...more });
const tools = [{ name: 'lookup', description: 'looks up', input_schema: schema }];
const said = (message) => message.content.filter((b) => b.type === 'text').map((b) => b.text).join('');
const stream = (body) => anthropic.messages.stream(body).finalMessage();

for (const [how, send] of [['whole', (body) => anthropic.messages.create(body)], ['stream', stream]]) {
  await check(`anthropic ${how} text`, async () => {
    const message = await send(messages('hello'));
    assert.equal(said(message), HELLO);
    assert.equal(message.stop_reason, 'end_turn');
    assert.deepEqual([message.usage.input_tokens, message.usage.output_tokens], [2, 11]);
  });
  await check(`anthropic ${how} noise and thinking`, async () => {
    const message = await send(messages('noisy'));
    assert.deepEqual(message.content.map((b) => b.type), ['thinking', 'text']);
    assert.equal(message.content[0].thinking, 'Let me see.');
    assert.ok(message.content[0].signature);
    assert.equal(said(message), NOISY);
  });
  await check(`anthropic ${how} tools`, async () => {
    const first = await send(messages('weather', { tools }));
    const uses = first.content.filter((b) => b.type === 'tool_use');
    assert.deepEqual(uses.map((b) => b.input), [INPUT, {}]);
    assert.equal(first.stop_reason, 'tool_use');
    const results = uses.map((b, n) => ({ type: 'tool_result', tool_use_id: b.id, content: ['rain', 'sun'][n] }));
    const turns = [user('weather'), { role: 'assistant', content: first.content }, user(results)];
    assert.equal(said(await send(messages('', { tools, messages: turns }))), 'Both came back.');
  });
  await check(`anthropic ${how} max_tokens and refusal`, async () => {
    assert.equal((await send(messages('truncate'))).stop_reason, 'max_tokens');
    const refused = await send(messages('refuse'));
    assert.equal(refused.stop_reason, 'refusal');
    assert.equal(refused.stop_details.type, 'refusal');
  });
  await check(`anthropic ${how} cache counters`, async () => {
    const system = [{ type: 'text', text: `shared rules, ${how}`, cache_control: { type: 'ephemeral' } }];
    const [first, second] = [await send(messages('hello', { system })), await send(messages('hello', { system }))];
    assert.ok(first.usage.cache_creation_input_tokens > 0);
    assert.equal(second.usage.cache_read_input_tokens, first.usage.cache_creation_input_tokens);
  });
}
await check('anthropic retries overload', async () => {
  assert.equal(said(await anthropic.messages.create(messages('overloaded'))), 'third time lucky');
});
await check('anthropic error in the stream', () =>
  assert.rejects(stream(messages('in-band')), (e) => e instanceof Anthropic.APIError && /overloaded_error/.test(e.message)));
await check('anthropic typed errors', async () => {
  await assert.rejects(anthropic.messages.create(messages('spent')), (e) => e.status === 402 && Boolean(e.requestID));
  await assert.rejects(anthropic.messages.create(messages('no such rule')), (e) => e instanceof Anthropic.BadRequestError && /no rule matches/.test(e.message));
  const stranger = new Anthropic({ apiKey: 'other', baseURL: base, logLevel: 'off' });
  await assert.rejects(stranger.messages.create(messages('hello')), Anthropic.AuthenticationError);
});
await check('anthropic count and models', async () => {
  assert.equal((await anthropic.messages.countTokens({ model: 'small-1', messages: [user('hello')] })).input_tokens, 2);
  const names = [];
  for await (const model of anthropic.models.list()) names.push(model.id);
  assert.deepEqual(names, ['big-1', 'small-1']);
  assert.equal((await anthropic.models.retrieve('big-1')).id, 'big-1');
});

// --- OpenAI Chat Completions ---

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

provider.kill();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
