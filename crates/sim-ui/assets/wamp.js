// A WAMP client for one page: calls, subscriptions, and a connection that comes back by itself.

const HELLO = 1, WELCOME = 2, ABORT = 3, CHALLENGE = 4, AUTHENTICATE = 5, GOODBYE = 6, ERROR = 8;
const SUBSCRIBE = 32, SUBSCRIBED = 33, UNSUBSCRIBE = 34, UNSUBSCRIBED = 35, EVENT = 36;
const CALL = 48, RESULT = 50;

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;

/** An ERROR of the router, or of whoever was called. */
export class WampError extends Error {
  constructor(uri, args) {
    super(typeof args?.[0] === "string" ? args[0] : uri);
    this.uri = uri;
    this.args = args ?? [];
  }
}

/** Nobody is logged in any more, so that coming back makes no sense. */
export class SignedOut extends Error {}

/**
 * A connection to a realm.
 *
 * `ticket` gives `{authid, ticket}` each time it connects, with `router` if that is elsewhere; `onOpen` is called after each join,
 * `onLost` when the connection is gone and comes back later, `onEnd` when it does not.
 */
export class Connection {
  constructor({ url, realm, ticket, onOpen, onLost, onEnd }) {
    Object.assign(this, { url, realm, ticket, onOpen, onLost, onEnd });
    this.pause = FIRST_PAUSE;
    this.wake = () => this.retry();
    addEventListener("online", this.wake);
    this.reset();
    this.connect();
  }

  reset() {
    this.socket = null;
    this.joined = false;
    this.next = 1;
    this.pending = new Map();
    this.handlers = new Map();
  }

  async connect() {
    this.timer = null;
    let login;
    try {
      login = await this.ticket();
    } catch (error) {
      return error instanceof SignedOut ? this.end(error) : this.again();
    }
    if (this.ended) return;
    const socket = new WebSocket(login.router ?? this.url, "wamp.2.json");
    this.socket = socket;
    socket.onopen = () => this.send([HELLO, this.realm, {
      roles: { caller: {}, subscriber: {} },
      authmethods: ["ticket"],
      authid: login.authid,
    }]);
    socket.onmessage = ({ data }) => this.receive(JSON.parse(data), login);
    socket.onclose = () => socket === this.socket && this.lost();
  }

  receive(message, login) {
    const [kind] = message;
    switch (kind) {
      case CHALLENGE:
        return this.send([AUTHENTICATE, login.ticket, {}]);
      case WELCOME:
        this.joined = true;
        this.pause = FIRST_PAUSE;
        return this.onOpen();
      case EVENT: {
        const [, subscription, , details, args = [], kwargs = {}] = message;
        return this.handlers.get(subscription)?.({ topic: details.topic, args, kwargs });
      }
      case RESULT:
        return this.settle(message[1], (it) => it.resolve(message[3]?.[0]));
      case SUBSCRIBED:
        return this.settle(message[1], (it) => {
          this.handlers.set(message[2], it.handler);
          it.resolve(message[2]);
        });
      case UNSUBSCRIBED:
        return this.settle(message[1], (it) => it.resolve());
      case ERROR:
        return this.settle(message[2], (it) => it.reject(new WampError(message[4], message[5])));
      case ABORT:
      case GOODBYE:
        // The ticket may be over, or the service is stopping: what comes next is told by a new try.
        return this.socket.close();
    }
  }

  settle(request, how) {
    const waiting = this.pending.get(request);
    this.pending.delete(request);
    if (waiting) how(waiting);
  }

  request(kind, rest, extra = {}) {
    return new Promise((resolve, reject) => {
      if (!this.joined) return reject(new WampError("offline", []));
      const request = this.next++;
      this.pending.set(request, { resolve, reject, ...extra });
      this.send([kind, request, ...rest]);
    });
  }

  call(uri, args = [], kwargs = {}) {
    return this.request(CALL, [{}, uri, args, kwargs]);
  }

  subscribe(topic, handler) {
    return this.request(SUBSCRIBE, [{ match: "prefix" }, topic], { handler });
  }

  unsubscribe(subscription) {
    this.handlers.delete(subscription);
    return this.request(UNSUBSCRIBE, [subscription]);
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  lost() {
    const waiting = this.pending;
    this.reset();
    for (const it of waiting.values()) it.reject(new WampError("offline", []));
    if (this.ended) return;
    this.onLost();
    this.again();
  }

  again() {
    if (this.ended) return;
    // Not all pages of a class come back in the same instant.
    const pause = this.pause * (0.5 + Math.random());
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
    this.timer = setTimeout(() => this.connect(), pause);
  }

  /** Tries at once instead of after the pause. */
  retry() {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.pause = FIRST_PAUSE;
    this.connect();
  }

  end(reason) {
    this.ended = true;
    removeEventListener("online", this.wake);
    clearTimeout(this.timer);
    this.socket?.close();
    this.onEnd?.(reason);
  }
}
