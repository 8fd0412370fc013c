// Everything behind the sign-in: the connection, the games a person plays in, and their views.

import { html, useEffect, useReducer, useRef, useState } from "/assets/vendor/htm-preact.js";
import { Connection, SignedOut } from "/assets/wamp.js";
import { Model } from "/assets/model.js";
import { Player } from "/assets/player.js";
import { Leader } from "/assets/leader.js";

async function ticket() {
  const response = await fetch("/session/ticket", { method: "POST" });
  if (response.status === 401) throw new SignedOut();
  if (!response.ok) throw new Error(`the ticket was answered ${response.status}`);
  return response.json();
}

/** The module of a game that has one, and nothing special for others. */
async function view({ slug, view }) {
  return view ? (await import(`/views/${slug}.js`)).default : {};
}

export function Page({ session, t, lang, offline, setOffline, signedOut }) {
  const [, redraw] = useReducer((count) => count + 1, 0);
  const [error, setError] = useState(null);
  const games = useRef(null);
  useEffect(() => {
    let frame = 0;
    const draw = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        redraw();
      });
    };
    const connection = new Connection({
      url: `${location.origin.replace(/^http/, "ws")}/ws`,
      realm: session.realm,
      ticket,
      onOpen: async () => {
        try {
          await Promise.all(games.current.map(async (it) => {
            it.view ??= await view(it.game);
            await it.model.load();
          }));
          setOffline(false);
          setError(null);
        } catch (error) {
          if (error.uri !== "offline") setError(error.message);
        }
        draw();
      },
      onLost: () => setOffline(true),
      onEnd: (reason) => reason && signedOut(),
    });
    games.current = session.games.filter((game) => game.seats.length > 0).map((game) => {
      const { root, seats } = game;
      return { game, model: new Model({ connection, root, seats, onChange: draw }) };
    });
    draw();
    return () => connection.end();
  }, []);
  if (error) return html`<p class="card message bad" role="alert">${error}</p>`;
  const loaded = games.current?.every(({ model }) => model.loaded);
  if (!loaded) return html`<p role="status">${t("loading")}</p>`;
  const seats = games.current.flatMap(({ model, view }) =>
    model.seated.map((seat) => ({ model, view, seat })));
  if (seats.length === 0) return html`<p class="card">${t("noSeats")}</p>`;
  return seats.map(({ model, view, seat }) => {
    const Shown = seat.leader ? view.Leader ?? Leader : view.Player ?? Player;
    return html`<${Shown} key=${seat.runuser} ...${{ html, model, view, seat, t, lang, offline }} />`;
  });
}
