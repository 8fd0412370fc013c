// Everything behind the sign-in: the connection, the games a person plays in, and their views.

import { html, useEffect, useReducer, useRef, useState } from "/assets/vendor/htm-preact.js";
import { ask } from "/assets/app.js";
import { Connection, SignedOut } from "/assets/wamp.js";
import { Model } from "/assets/model.js";
import { Player } from "/assets/player.js";
import { Leader } from "/assets/leader.js";
import { Runs } from "/assets/runs.js";

/** How often somebody without a seat asks whether there is one by now, in milliseconds. */
const PATIENCE = 10_000;

async function ticket() {
  const { status, answer } = await ask("POST", "/session/ticket");
  if (status === 401) throw new SignedOut();
  if (status !== 200) throw new Error(answer.error);
  return answer;
}

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

/** One of several seats at a time; which one stands in the address, so that it is there again. */
function useChosen(seats) {
  const [chosen, setChosen] = useState(location.hash.slice(1));
  const choose = (runuser) => {
    history.replaceState(null, "", `#${runuser}`);
    setChosen(String(runuser));
  };
  return [seats.find(({ seat }) => String(seat.runuser) === chosen) ?? seats[0], choose];
}

function Seats({ seats, t, lang, offline }) {
  const [{ model, view, seat }, choose] = useChosen(seats);
  const Shown = seat.leader ? view.Leader ?? Leader : view.Player ?? Player;
  return html`
    ${seats.length > 1 && html`
      <div class="acts" role="group" aria-label=${t("mySeats")}>${seats.map((it) => html`
        <button class="quiet" aria-pressed=${it.seat === seat} onClick=${() => choose(it.seat.runuser)}>
          ${it.model.get("run", it.seat.run)?.name}</button>`)}</div>`}
    <${Shown} key=${seat.runuser} ...${{ html, model, view, seat, t, lang, offline }} />`;
}

export function Page({ session, t, lang, offline, setOffline, signedOut }) {
  const [, redraw] = useReducer((count) => count + 1, 0);
  const [error, setError] = useState(null);
  const [led, setLed] = useState(null);
  const table = useRef(null);
  const refresh = useRef(null);
  useEffect(() => {
    let frame = 0;
    const draw = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        redraw();
      });
    };
    // The page was told its seats when it was asked for; later ones it has to ask for.
    let told = session;
    refresh.current = async () => {
      try {
        told ??= (await ask("GET", "/session")).answer;
        if (told === null) return signedOut();
        const games = told.games;
        told = null;
        await table.current.sit(games);
        const runs = await ask("GET", "/runs");
        // A list that cannot be had now is no reason to show nothing.
        setLed((known) => (runs.status === 200 ? runs.answer : known ?? { games: [], runs: [] }));
        setOffline(false);
        setError(null);
      } catch (error) {
        if (error.uri !== "offline") setError(error.message);
      }
      draw();
    };
    const connection = new Connection({
      url: `${location.origin.replace(/^http/, "ws")}/ws`,
      realm: session.realm,
      ticket,
      onOpen: () => refresh.current(),
      onLost: () => setOffline(true),
      onEnd: (reason) => reason && signedOut(),
    });
    table.current = new Table(connection, draw);
    return () => connection.end();
  }, []);
  const loaded = led !== null;
  const seats = loaded ? table.current.seats() : [];
  const alone = loaded && !offline && seats.length === 0;
  useEffect(() => {
    if (!alone) return undefined;
    const timer = setInterval(() => refresh.current(), PATIENCE);
    return () => clearInterval(timer);
  }, [alone]);
  if (error) return html`<p class="card message bad" role="alert">${error}</p>`;
  if (!loaded) return html`<p role="status">${t("loading")}</p>`;
  return html`
    ${led.games.length > 0 && html`<${Runs} ...${{ led, offline, t }} refresh=${() => refresh.current()} />`}
    ${seats.length > 0 ? html`<${Seats} ...${{ seats, t, lang, offline }} />`
      : html`<p class="card">${t("noSeats")}</p>`}`;
}
