// What lies behind a page that shows seats: a connection, and the models of the games it follows.

import { html, useEffect, useReducer, useRef, useState } from "/assets/vendor/htm-preact.js";
import { connect } from "/assets/connect.js";
import { perFrame } from "/assets/parts.js";
import { Model } from "/assets/model.js";
import { Player } from "/assets/player.js";
import { Leader } from "/assets/leader.js";

/** The module of a game that has one, and nothing special for others. */
async function view({ slug, view }) {
  return view ? (await import(`/views/${slug}.js`)).default : {};
}

/** The games in which a person has seats, each with its model, over one connection. */
class Table {
  games = [];

  constructor(connection, onChange) {
    Object.assign(this, { connection, onChange });
  }

  /** Takes the seats that the service tells, and loads what they show. */
  async sit(games) {
    const seated = games.filter((game) => game.seats.length > 0);
    this.games = await Promise.all(seated.map(async (game) => {
      const known = this.games.find((it) => it.game.slug === game.slug);
      const { connection, onChange } = this;
      const model = known?.model ?? new Model({ connection, root: game.root, seats: [], onChange });
      model.seats = game.seats;
      return { game, model, view: known?.view ?? await view(game) };
    }));
    await Promise.all(this.games.map(({ model }) => model.load()));
  }

  seats() {
    return this.games.flatMap(({ model, view }) => model.seated.map((seat) => ({ model, view, seat })));
  }
}

/**
 * Joins the realm by tickets from an address while a component is shown, and gives the seats when
 * they are loaded, or else an error; `refresh` loads anew.
 *
 * `load` fills the table whenever the connection has come, `onChange` hears of every change, and
 * `setOffline` that the connection has gone or come.
 */
export function useTable({ realm, ticket, load, onChange, setOffline, signedOut }) {
  const [, redraw] = useReducer((count) => count + 1, 0);
  const [error, setError] = useState(null);
  const [loaded, setLoaded] = useState(false);
  const table = useRef(null);
  const refresh = useRef(null);
  useEffect(() => {
    const draw = perFrame(redraw);
    const changed = () => {
      onChange?.();
      draw();
    };
    refresh.current = async () => {
      try {
        await load(table.current);
        setLoaded(true);
        setOffline(false);
        setError(null);
      } catch (error) {
        if (error.uri !== "offline") setError(error.message);
      }
      changed();
    };
    const onOpen = () => refresh.current();
    const connection = connect({ realm, ticket, onOpen, setOffline, signedOut });
    table.current = new Table(connection, changed);
    return () => connection.end();
  }, []);
  return { error, seats: loaded ? table.current.seats() : null, refresh: () => refresh.current() };
}

/** What somebody sees in a seat: the game's own component, or ours. */
export function Seat({ view, seat, ...rest }) {
  const Shown = seat.leader ? view.Leader ?? Leader : view.Player ?? Player;
  return html`<${Shown} ...${{ html, view, seat, ...rest }} />`;
}
