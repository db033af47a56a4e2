// SPDX-License-Identifier: Apache-2.0
// Testcontainers for Node against the engine at DOCKER_HOST.
const assert = require('node:assert');
const { GenericContainer, Network, Wait } = require('testcontainers');

(async () => {
  const network = await new Network().start();
  const server = await new GenericContainer('busybox')
    .withCommand(['sh', '-c', 'mkdir -p /w && echo hello > /w/index.html && echo ready && exec httpd -f -p 8080 -h /w'])
    .withExposedPorts(8080)
    .withNetwork(network)
    .withNetworkAliases('server')
    .withEnvironment({ SOME: 'thing' })
    .withCopyContentToContainer([{ content: 'copied', target: '/copied.txt' }])
    .withWaitStrategy(Wait.forLogMessage('ready'))
    .start();
  const page = await fetch(`http://${server.getHost()}:${server.getMappedPort(8080)}/`);
  assert.strictEqual(await page.text(), 'hello\n');
  const result = await server.exec(['sh', '-c', 'cat /copied.txt; echo $SOME >&2; exit 2']);
  assert.strictEqual(result.exitCode, 2);
  assert.strictEqual(result.stdout, 'copied');
  assert.strictEqual(result.stderr, 'thing\n');
  const client = await new GenericContainer('busybox')
    .withCommand(['sleep', '600'])
    .withNetwork(network)
    .withHealthCheck({ test: ['CMD-SHELL', 'wget -qO- http://server:8080/'], interval: 100, timeout: 1000, retries: 20 })
    .withWaitStrategy(Wait.forHealthCheck())
    .start();
  await client.stop({ timeout: 0 });
  await server.restart({ timeout: 0 });
  await server.stop({ timeout: 0 });
  await network.stop();
  console.log('all is well');
  process.exit(0);
})().catch((failure) => {
  console.error(failure);
  process.exit(1);
});
