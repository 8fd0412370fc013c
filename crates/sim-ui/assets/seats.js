// What lies behind a page that shows seats: a connection, and the models of the games it follows.

import { useEffect, useReducer, useRef, useState } from "/assets/vendor/htm-preact.js";
import { Connection, SignedOut } from "/assets/wamp.js";
import { Model } from "/assets/model.js";

/** Somebody's ticket, as the service gives it at an address. */
async function ticketAt(path) {
  const response = await fetch(path, { method: "POST" });
  if (response.status === 401) throw new SignedOut();
  if (!response.ok) throw new Error(`the ticket was answered ${response.status}`);
  return response.json();
}

/** The module of a game that has one, and nothing special for others. */
async function view({ slug, view }) {
  return view ? (await import(`/views/${slug}.js`)).default : {};
}

/** Does something once per frame, however often it is asked to. */
function perFrame(act) {
  let frame = 0;
  return () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      act();
    });
  };
}

/**
 * Joins the realm by tickets from an address, and keeps the seats of games loaded while a
 * component is shown: `{game, model, view}` of each game once all are there, or else an error.
 *
 * `onChange` is called after every change, `setOffline` when the connection goes and comes.
 */
export function useSeats({ realm, ticket, games, onChange, setOffline, signedOut }) {
  const [, redraw] = useReducer((count) => count + 1, 0);
  const [error, setError] = useState(null);
  const places = useRef(null);
  useEffect(() => {
    const draw = perFrame(redraw);
    const changed = () => {
      onChange?.(places.current);
      draw();
    };
    const connection = new Connection({
      url: `${location.origin.replace(/^http/, "ws")}/ws`,
      realm,
      ticket: () => ticketAt(ticket),
      onOpen: async () => {
        try {
          await Promise.all(places.current.map(async (it) => {
            it.view ??= await view(it.game);
            await it.model.load();
          }));
          setOffline(false);
          setError(null);
        } catch (error) {
          if (error.uri !== "offline") setError(error.message);
        }
        changed();
      },
      onLost: () => setOffline(true),
      onEnd: (reason) => reason && signedOut(),
    });
    places.current = games.map((game) => {
      const { root, seats } = game;
      return { game, model: new Model({ connection, root, seats, onChange: changed }) };
    });
    draw();
    return () => connection.end();
  }, []);
  const loaded = places.current?.every(({ model }) => model.loaded);
  return { error, places: loaded ? places.current : null };
}
