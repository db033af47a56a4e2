// SPDX-License-Identifier: Apache-2.0
// Uses the engine at DOCKER_SOCKET through dockerode. An assertion that fails is the exit code.
const assert = require('node:assert');
const { PassThrough } = require('node:stream');
const Docker = require('dockerode');

const docker = new Docker({ socketPath: process.env.DOCKER_SOCKET });

function collect() {
  const stream = new PassThrough();
  stream.text = '';
  stream.on('data', (piece) => { stream.text += piece; });
  return stream;
}

const ended = (stream) => new Promise((done) => { stream.on('end', done); stream.on('close', done); stream.resume(); });

async function runs() {
  const out = collect(), err = collect();
  const [result, container] = await docker.run('busybox', ['sh', '-c', 'echo out; echo err >&2; exit 4'], [out, err], { Tty: false });
  assert.strictEqual(result.StatusCode, 4);
  assert.strictEqual(out.text, 'out\n');
  assert.strictEqual(err.text, 'err\n');
  await container.remove();
}

async function lives() {
  const container = await docker.createContainer({ Image: 'busybox', name: 'node-box', Cmd: ['sleep', '600'], StopSignal: 'KILL',
    Labels: { by: 'dockerode' }, HostConfig: { Memory: 64 * 1024 * 1024 } });
  await container.start();
  await assert.rejects(container.start(), { statusCode: 304 });
  const state = await container.inspect();
  assert.strictEqual(state.State.Status, 'running');
  assert.strictEqual(state.HostConfig.Memory, 67108864);

  const exec = await container.exec({ Cmd: ['sh', '-c', 'cat; exit 9'], AttachStdin: true, AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({ hijack: true, stdin: true });
  const out = collect();
  container.modem.demuxStream(stream, out, out);
  const over = ended(stream);
  stream.write('typed');
  stream.end();
  await over;
  assert.strictEqual(out.text, 'typed');
  assert.strictEqual((await exec.inspect()).ExitCode, 9);

  const stats = await container.stats({ stream: false });
  assert.ok(stats.memory_stats.usage > 0 && stats.precpu_stats.cpu_usage.total_usage >= 0);
  assert.deepStrictEqual((await container.top({ ps_args: '-o pid,comm' })).Titles, ['PID', 'COMMAND']);
  await container.pause();
  await container.unpause();
  await container.update({ Memory: 96 * 1024 * 1024, MemorySwap: 192 * 1024 * 1024 });
  const listed = await docker.listContainers({ filters: { label: ['by=dockerode'] } });
  assert.strictEqual(listed.length, 1);
  await container.stop();
  await assert.rejects(container.stop(), { statusCode: 304 });
  await container.remove({ v: true });
  await assert.rejects(container.inspect(), { statusCode: 404 });
}

async function attaches() {
  const container = await docker.createContainer({ Image: 'busybox', Cmd: ['sh'], Tty: true, OpenStdin: true });
  const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
  let screen = '';
  stream.on('data', (piece) => { screen += piece; });
  const over = ended(stream);
  await container.start();
  await container.resize({ h: 33, w: 99 });
  stream.write('stty size; exit\n');
  await over;
  assert.match(screen, /33 99/);
  await container.remove();
}

async function streams() {
  const events = await docker.getEvents({ filters: { type: ['container'] } });
  const seen = [];
  events.on('data', (piece) => String(piece).trim().split('\n').forEach((line) => seen.push(JSON.parse(line).Action)));
  const container = await docker.createContainer({ Image: 'busybox', Cmd: ['sh', '-c', 'for i in 1 2 3; do echo $i; done'] });
  await container.start();
  await container.wait();
  const log = await container.logs({ stdout: true, stderr: true });
  assert.strictEqual(log.length, 3 * (8 + 2));
  await container.remove();
  while (!seen.includes('destroy')) await new Promise((later) => setTimeout(later, 20));
  assert.deepStrictEqual(seen.filter((action) => !action.startsWith('exec')), ['create', 'start', 'die', 'destroy']);
  events.destroy();
}

async function others() {
  const network = await docker.createNetwork({ Name: 'nodenet' });
  assert.strictEqual((await network.inspect()).Driver, 'bridge');
  await network.remove();
  await docker.createVolume({ Name: 'nodevol' });
  await docker.getVolume('nodevol').remove();
  assert.ok((await docker.info()).Containers >= 0);
  assert.strictEqual(String(await docker.ping()), 'OK');
  assert.ok((await docker.df()).Volumes);
}

(async () => {
  for (const part of [runs, lives, attaches, streams, others]) await part();
  console.log('all is well');
  process.exit(0);
})().catch((failure) => {
  console.error(failure);
  process.exit(1);
});
