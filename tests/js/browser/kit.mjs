// A service that is tried, and the browser that tries it.

import { spawn } from "node:child_process";
import { createServer, connect } from "node:net";
import { createInterface } from "node:readline";

import { chromium } from "playwright-core";

/** The service, which can be stopped and started again at the same address. */
export class Service {
  port = 0;

  constructor(program, data) {
    Object.assign(this, { program, data });
  }

  async start() {
    this.child = spawn(this.program, [
      "--bind", `127.0.0.1:${this.port}`, "--games-bind", "127.0.0.1:0", "--data-dir", this.data,
    ], { stdio: ["ignore", "pipe", "inherit"] });
    this.ended = new Promise((resolve) => this.child.once("exit", resolve));
    const lines = createInterface({ input: this.child.stdout });
    await new Promise((resolve, reject) => {
      this.ended.then((code) => reject(new Error(`the service ended with ${code}`)));
      lines.on("line", (line) => {
        const address = line.match(/^(?:listening on|browsers connect to) (?:ws:\/\/127\.0\.0\.1:(\d+)\/ws|http:\/\/127\.0\.0\.1:(\d+)\/$)/);
        if (address) this.port = Number(address[1] ?? address[2]);
        const games = line.match(/^listening on (http:\/\/127\.0\.0\.1:\d+\/apis\/)$/);
        if (games) this.games = games[1];
        // The examples say nothing but where they are.
        if (/^ready|^browsers connect/.test(line)) resolve();
      });
    });
  }

  async stop() {
    this.child.kill("SIGTERM");
    await this.ended;
  }

  get url() {
    return `http://127.0.0.1:${this.port}/`;
  }
}

/** A way to a service that can be cut, and mended. */
export class Wire {
  sockets = new Set();
  cut = false;

  async to(service) {
    this.server = createServer((near) => {
      if (this.cut) return near.destroy();
      const far = connect(service.port, "127.0.0.1");
      for (const [socket, other] of [[near, far], [far, near]]) {
        this.sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          this.sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${this.server.address().port}/`;
  }

  break() {
    this.cut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  mend() {
    this.cut = false;
  }

  close() {
    this.break();
    this.server?.close();
  }
}

/** Opens Debian's Chromium, which looks for nothing elsewhere. */
export function open() {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
      "--disable-background-networking", "--disable-component-update",
    ],
  });
}
