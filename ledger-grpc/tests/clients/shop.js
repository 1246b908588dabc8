'use strict';
// shop.js ADDRESS PROTO_DIR PROGRAM: a shop's till in Node.js. It loads the API from its .proto files,
// publishes a program, streams purchases in batches, compressed, and asks what came of them. Its findings
// go to stdout as JSON.

const fs = require('node:fs');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const [address, protoDir, program] = process.argv.slice(2);
const NOON = 1772366400; // 1 March 2026
const BATCHES = 12;
const EVENTS = 150;
const MEMBERS = 25;
const GZIP = 2;

const loaded = protoLoader.loadSync('ledger/v1/ledger.proto', {
  includeDirs: [protoDir],
  enums: String,
  longs: Number,
  defaults: true,
  oneofs: true,
});
const { v1 } = grpc.loadPackageDefinition(loaded).ledger;
const credentials = grpc.credentials.createInsecure();
const options = { 'grpc.default_compression_algorithm': GZIP, 'grpc.enable_http_proxy': 0 };
const events = new v1.EventService(address, credentials, options);
const members = new v1.MemberService(address, credentials, options);
const programs = new v1.ProgramService(address, credentials, options);

function call(client, method, request) {
  const deadline = Date.now() + 30000;
  return new Promise((resolve, reject) => {
    client[method](request, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

function purchase(batch, n) {
  const no = batch * EVENTS + n;
  return {
    source: 'till',
    id: `e-${no}`,
    occurredAt: { seconds: NOON + batch },
    member: `member-${no % MEMBERS}`,
    purchase: { order: `o-${no}`, currency: 'USD', lines: [{ sku: 'record', quantity: 1, net: 100 }] },
  };
}

// Sends all batches at the pace the server sets; the last is one that was sent before.
async function stream() {
  const call = events.submitStream({ deadline: Date.now() + 60000 });
  const answers = (async () => {
    const answers = [];
    for await (const answer of call) answers.push(answer);
    return answers;
  })();
  for (const batch of [...Array(BATCHES).keys(), 3]) {
    const request = { tag: `b-${batch}`, events: Array.from({ length: EVENTS }, (_, n) => purchase(batch, n)) };
    if (!call.write(request)) await new Promise((resolve) => call.once('drain', resolve));
  }
  call.end();
  return answers;
}

// All records of a member, page by page.
async function records(member, token) {
  const records = [];
  let pages = 0;
  let pageToken = '';
  do {
    const page = await call(members, 'listRecords', { member, pageSize: 7, pageToken, token });
    records.push(...page.records);
    pages += 1;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return { records, pages };
}

async function main() {
  const publication = { source: 'office', id: 'p-1', occurredAt: { seconds: NOON } };
  const published = await call(programs, 'publishProgram', { ...publication, text: fs.readFileSync(program, 'utf8') });

  const answers = await stream();
  const outcomes = answers.flatMap((answer) => answer.outcomes);
  const fresh = outcomes.filter((outcome) => !outcome.duplicate);
  const again = answers[answers.length - 1].outcomes;
  const first = answers[3].outcomes;
  const last = fresh[fresh.length - 1].position;

  const names = [...Array.from({ length: MEMBERS }, (_, n) => `member-${n}`), 'nobody'];
  const got = await call(members, 'batchGetMembers', { members: names, token: answers[answers.length - 2].token });
  const known = got.members.filter((one) => one.member);

  const { records: history, pages } = await records('member-7', got.token);
  const positions = history.map((record) => record.position);
  const mine = fresh.filter((outcome, no) => no % MEMBERS === 7).map((outcome) => outcome.position);

  let unknown;
  try {
    await call(members, 'listRecords', { member: 'nobody' });
  } catch (error) {
    unknown = `${grpc.status[error.code]} ${error.details}`;
  }

  const found = {
    version: published.version,
    tags: answers.map((answer) => answer.tag).join(' '),
    accepted: fresh.filter((outcome) => outcome.result === 'accepted').length,
    earned: fresh.reduce((sum, outcome) => sum + outcome.accepted.earned[0].points, 0),
    ascending: fresh.every((outcome, n) => n === 0 || fresh[n - 1].position < outcome.position),
    rules: [...new Set(fresh.flatMap((one) => one.accepted.trace.map(({ rule, adjustment }) => `${rule} ${adjustment}`)))].join(),
    again: again.every((outcome, n) => outcome.duplicate && outcome.position === first[n].position),
    names: got.members.every((one, n) => one.name === names[n]),
    known: known.length,
    available: [...new Set(known.map((one) => one.member.purses[0].available))].join(' '),
    reached: got.position >= last,
    pages,
    records: history.length,
    complete: JSON.stringify(positions) === JSON.stringify(mine),
    cause: [...new Set(history.map((record) => `${record.cause} ${record.event.body}`))].join(),
    unknown,
  };
  process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
  for (const client of [events, members, programs]) client.close();
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
