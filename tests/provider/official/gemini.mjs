// Google Gemini.

import { HELLO, INPUT, NOISY, assert, check, google } from './setup.mjs';

const tools = [{ functionDeclarations: [{ name: 'lookup', parametersJsonSchema: { type: 'object' } }] }];
const ask = (contents, config = {}) => ({ model: 'small-1', contents, config });
const whole = (body) => google.models.generateContent(body);

/** The chunks of a stream put together as a client would. */
async function stream(body) {
  const parts = [];
  let last;
  for await (const chunk of await google.models.generateContentStream(body)) {
    parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
    last = chunk;
  }
  return { parts, last };
}
const text = (parts) => parts.filter((part) => !part.thought).map((part) => part.text ?? '').join('');
async function both(how, body) {
  if (how === 'stream') return stream(body);
  const last = await whole(body);
  return { parts: last.candidates?.[0]?.content?.parts ?? [], last };
}

for (const how of ['whole', 'stream']) {
  await check(`gemini ${how} text`, async () => {
    const { parts, last } = await both(how, ask('hello'));
    assert.equal(text(parts), HELLO);
    assert.equal(last.candidates[0].finishReason, 'STOP');
    const { promptTokenCount, candidatesTokenCount, totalTokenCount } = last.usageMetadata;
    assert.deepEqual([promptTokenCount, candidatesTokenCount, totalTokenCount], [2, 11, 13]);
  });
  await check(`gemini ${how} noise and thoughts`, async () => {
    const { parts, last } = await both(how, ask('noisy', { thinkingConfig: { includeThoughts: true } }));
    assert.equal(parts.find((part) => part.thought).text, 'Let me see.');
    assert.equal(text(parts), NOISY);
    assert.equal(last.usageMetadata.thoughtsTokenCount, 3);
  });
  await check(`gemini ${how} tools`, async () => {
    const { parts } = await both(how, ask('weather', { tools }));
    const calls = parts.filter((part) => part.functionCall);
    assert.deepEqual(calls.map((part) => part.functionCall.args), [INPUT, {}]);
    assert.ok(calls[0].thoughtSignature);
    const results = calls.map(({ functionCall: { id, name } }, n) => ({ functionResponse: { id, name, response: { output: ['rain', 'sun'][n] } } }));
    const turns = [{ role: 'user', parts: [{ text: 'weather' }] }, { role: 'model', parts }, { role: 'user', parts: results }];
    assert.equal(text((await both(how, ask(turns, { tools }))).parts), 'Both came back.');
    const unsigned = parts.map(({ thoughtSignature, ...part }) => part);
    await assert.rejects(both(how, ask([turns[0], { role: 'model', parts: unsigned }, turns[2]], { tools })), /thought_signature/);
  });
  await check(`gemini ${how} stops`, async () => {
    assert.equal((await both(how, ask('truncate'))).last.candidates[0].finishReason, 'MAX_TOKENS');
    assert.equal((await both(how, ask('refuse'))).last.candidates[0].finishReason, 'SAFETY');
  });
}
await check('gemini schema', async () => {
  const config = { responseMimeType: 'application/json', responseJsonSchema: { type: 'object' } };
  assert.equal((await whole(ask('hello', config))).text, HELLO);
});
await check('gemini errors', async () => {
  await assert.rejects(whole(ask('no such rule')), (e) => e.status === 400 && /no rule matches/.test(e.message));
  await assert.rejects(whole(ask('spent')), (e) => e.status === 402);
  await assert.rejects(stream(ask('in-band')));
});
await check('gemini count and models', async () => {
  assert.equal((await google.models.countTokens({ model: 'small-1', contents: 'hello' })).totalTokens, 2);
  const names = [];
  for await (const model of await google.models.list()) names.push(model.name);
  assert.deepEqual(names, ['models/big-1', 'models/small-1']);
});
