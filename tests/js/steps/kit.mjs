// What the steps share: sessions, URIs of their own, and checks that explain themselves.

import { deepStrictEqual } from "node:assert/strict";
import { inspect } from "node:util";

import { autobahn } from "./autobahn.mjs";
import * as logins from "./logins.mjs";
import { transport } from "./transports.mjs";

const REALM = "realm1";

// The client itself has no way to do what the step is about.
export class CannotDo extends Error {}

// A promise that is kept from outside.
export function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

// A session of the client, on a connection of its own.
export class Client {
  constructor(link, login, realm) {
    this.closed = deferred();
    this.complaints = [];
    this.joined = deferred();
    this.connection = new autobahn.Connection({
      realm,
      transports: [transport(link)],
      max_retries: 0,
      // What handlers throw is thrown on purpose.
      on_user_error: () => {},
      // Such as that the router broke the protocol, of which the client tells nothing more.
      on_internal_error: (error) => this.complaints.push(error ?? "a protocol violation"),
      ...login,
    });
    this.connection.onopen = (session, details) => {
      this.session = session;
      this.id = session.id;
      this.details = details;
      const isRouter = login.isRouter?.(details) ?? true;
      isRouter ? this.joined.resolve() : this.joined.reject(new Error("not the right router"));
    };
    this.connection.onclose = (how, details) => {
      this.joined.reject(new Refused(details));
      this.closed.resolve({ how, ...details });
    };
    this.connection.open();
  }

  // Calls, and answers with what the client makes of the result.
  call(uri, args = [], kwargs = {}, options = {}) {
    return this.session.call(uri, args, kwargs, options);
  }

  // Registers an endpoint, which takes `args`, `kwargs` and the details of the call.
  offer(uri, endpoint, options = {}) {
    return this.session.register(uri, endpoint, options);
  }

  // Publishes acknowledged, and answers with the publication's ID.
  async publish(uri, args = [], kwargs = {}, options = {}) {
    const all = { acknowledge: true, ...options };
    return (await this.session.publish(uri, args, kwargs, all)).id;
  }

  // Subscribes, and answers with where the events arrive.
  async listen(uri, options = {}) {
    const inbox = new Inbox();
    const handler = (args, kwargs, details) => inbox.put({ args, kwargs, details });
    inbox.subscription = await this.session.subscribe(uri, handler, options);
    return inbox;
  }

  // Leaves, and waits until the connection is closed.
  async leave() {
    this.connection.close();
    return await this.closed.promise;
  }

  // Closes the connection without a word of the protocol.
  breakConnection() {
    this.connection._transport.close();
  }
}

// The router did not let a session in.
class Refused extends Error {
  constructor({ reason, message }) {
    super(`${reason}: ${message}`);
    this.reason = reason;
  }
}

// The events of one subscription, in the order they arrived.
export class Inbox {
  #events = [];
  #waiting = [];

  put(event) {
    const waiting = this.#waiting.shift();
    waiting ? waiting(event) : this.#events.push(event);
  }

  // The next event.
  async next() {
    return this.#events.shift() ?? (await new Promise((resolve) => this.#waiting.push(resolve)));
  }

  // The first argument of every event before the one where it is `last`. That one was published
  // after all others: what is not here now did not arrive at all.
  async firstArgs(last) {
    const found = [];
    for (;;) {
      const [first] = (await this.next()).args;
      if (first === last) {
        return found;
      }
      found.push(first);
    }
  }

  // The next event whose first argument is `wanted`, past those of other sessions.
  async about(wanted) {
    for (;;) {
      const event = await this.next();
      if (event.args[0] === wanted) {
        return event;
      }
    }
  }
}

// Where one step works: a way to the router, URIs of its own, the sessions it opened.
export class Room {
  #number;
  #clients = [];

  constructor(link, links, number) {
    this.link = link;
    this.links = links;
    this.#number = number;
  }

  // A URI that no other step uses.
  uri(...parts) {
    return ["com.example", `step${this.#number}`, ...parts].join(".");
  }

  // A URI that no other step uses, where guests may call and subscribe.
  publicUri(...parts) {
    return ["com.example.public", `step${this.#number}`, ...parts].join(".");
  }

  // Opens a session.
  async join(login = logins.ann, { link = this.link, realm = REALM } = {}) {
    const client = new Client(link, login(), realm);
    this.#clients.push(client);
    await client.joined.promise;
    return client;
  }

  // Tries to open a session, and answers with the reason why there is none.
  async refused(login, options = {}) {
    try {
      await this.join(login, options);
    } catch (error) {
      if (error instanceof Refused) {
        return error.reason;
      }
      throw error;
    }
    throw new Error("the session was let in");
  }

  // Ends the sessions that are still there. None may have seen the router break the protocol.
  async close() {
    for (const { connection } of this.#clients) {
      if (connection.isConnected) {
        connection.close();
      }
    }
    await Promise.all(this.#clients.map(({ closed }) => closed.promise));
    equal(this.#clients.flatMap(({ complaints }) => complaints), [], "complaints of the client");
  }
}

// Fails unless both are equal.
export function equal(got, expected, what = "") {
  const show = (value) => inspect(value, { depth: 5, breakLength: Infinity, maxArrayLength: 20 });
  deepStrictEqual(got, expected, `${what}: got ${show(got)}, expected ${show(expected)}`);
}

// Fails unless it is true.
export function holds(truth, what) {
  equal(Boolean(truth), true, what);
}

// Waits for a request that must fail with one of these URIs, and answers with the error.
export async function fails(uris, request) {
  let result;
  try {
    result = await request;
  } catch (error) {
    if ([uris].flat().includes(error.error)) {
      return error;
    }
    throw new Error(`failed with ${inspect(error)} instead of ${uris}`);
  }
  throw new Error(`answered ${inspect(result)} instead of failing with ${uris}`);
}
