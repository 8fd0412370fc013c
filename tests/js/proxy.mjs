// The pages behind nginx, with the configuration that we recommend: TLS, cookies for https only, WebSockets.
//
// Usage: `node proxy.mjs DIV_SERVICE DIRECTORY`, as class.mjs. It needs nginx, openssl and Chromium.

import { execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

import { Service, open } from "./browser/kit.mjs";
import { Person, check, story } from "./browser/person.mjs";

const [program, directory] = process.argv.slice(2);
const CONF = new URL("../../docker/nginx.conf", import.meta.url);

/** A port that nobody has at this moment: nginx cannot choose one itself. */
async function free() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Our configuration with this machine's ports and a certificate that nobody vouches for. */
async function proxy(service) {
  const [pem, key] = [join(directory, "test.pem"), join(directory, "test.key")];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
    "/CN=localhost", "-keyout", key, "-out", pem], { stdio: "ignore" });
  const [tls, plain] = [await free(), await free()];
  const ours = readFileSync(CONF, "utf8")
    .replace("listen 443 ssl", `listen 127.0.0.1:${tls} ssl`)
    .replace("listen 80;", `listen 127.0.0.1:${plain};`)
    .replaceAll("div.example.org;", "localhost;")
    .replace("/etc/ssl/div.example.org.pem", pem).replace("/etc/ssl/div.example.org.key", key)
    .replace("127.0.0.1:8080", `127.0.0.1:${service.port}`);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((it) => `${it}_temp_path ${join(directory, it)};`).join(" ");
  const file = join(directory, "nginx.conf");
  writeFileSync(file, `daemon off; worker_processes 1; pid ${join(directory, "nginx.pid")};
    error_log ${join(directory, "nginx.log")}; events {} http { access_log off; ${temporary}\n${ours}}`);
  const nginx = spawn("/usr/sbin/nginx", ["-p", directory, "-c", file], { stdio: "ignore" });
  return { nginx, url: `https://localhost:${tls}/` };
}

let nginx;

async function play(browser, step) {
  const started = await proxy(service);
  nginx = started.nginx;
  const url = started.url;
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  await step("nginx answers with our pages", async () => {
    for (;;) {
      if (await page.goto(url).then(() => true, () => false)) break;
      check(nginx.exitCode === null, "nginx has ended, see nginx.log");
    }
    for (const path of ["metrics", "readyz", "callback"]) {
      const answer = await page.request.get(url + path);
      check(answer.status() === 404, `${path} is answered ${answer.status()}`);
    }
  });
  const arrive = (name) => Person.arrive(browser, url, name, { ignoreHTTPSErrors: true });
  const [one, two] = [await arrive("s1"), await arrive("s2")];
  await step("two players sign in, and their cookies are for https only", async () => {
    await one.signIn("s1@div.edu", "s1");
    await two.signIn("s2@div.edu", "s2");
    await one.sees("You are Dividend in World 1.");
    const [cookie] = await one.context.cookies();
    check(cookie.secure && cookie.httpOnly, `the cookie is ${JSON.stringify(cookie)}`);
  });
  await step("they play over the WebSocket", async () => {
    await one.decides("9");
    await two.decides("2");
    for (const person of [one, two]) await person.sees("Round 1: Quotient 4.5");
  });
}

const service = new Service(program, join(directory, "data"));
await story(service, open, directory, play);
nginx?.kill();
