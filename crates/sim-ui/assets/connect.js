// The way into the realm of this service, with tickets that it gives to people who have signed in.

import { ask } from "/assets/app.js";
import { Connection, SignedOut } from "/assets/wamp.js";

/** Somebody's ticket, as the service gives it at an address. */
async function ticketAt(path) {
  const { status, answer } = await ask("POST", path);
  if (status === 401) throw new SignedOut();
  if (status !== 200) throw new Error(answer.error);
  return answer;
}

/** A connection that comes back by itself, with a new ticket each time. */
export function connect({ realm, ticket, onOpen, setOffline, signedOut }) {
  return new Connection({
    url: `${location.origin.replace(/^http/, "ws")}/ws`,
    realm,
    ticket: () => ticketAt(ticket),
    onOpen,
    onLost: () => setOffline(true),
    onEnd: (reason) => reason && signedOut(),
  });
}
