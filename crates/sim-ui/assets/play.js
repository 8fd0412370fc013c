// Everything behind the sign-in: the games a person plays in, and their views.

import { html, useEffect, useRef, useState } from "/assets/vendor/htm-preact.js";
import { ask } from "/assets/app.js";
import { Runs } from "/assets/runs.js";
import { Seat, useTable } from "/assets/seats.js";

/** How often somebody without a seat asks whether there is one by now, in milliseconds. */
const PATIENCE = 10_000;

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
  return html`
    ${seats.length > 1 && html`
      <div class="acts" role="group" aria-label=${t("mySeats")}>${seats.map((it) => html`
        <button class="quiet" aria-pressed=${it.seat === seat} onClick=${() => choose(it.seat.runuser)}>
          ${it.model.get("run", it.seat.run)?.name}</button>`)}</div>`}
    <${Seat} key=${seat.runuser} ...${{ model, view, seat, t, lang, offline }} />`;
}

export function Page({ session, t, lang, offline, setOffline, signedOut }) {
  const [led, setLed] = useState(null);
  // The page was told its seats when it was asked for; later ones it has to ask for.
  const told = useRef(session);
  const load = async (table) => {
    told.current ??= (await ask("GET", "/session")).answer;
    if (told.current === null) return signedOut();
    const { games } = told.current;
    told.current = null;
    await table.sit(games);
    const runs = await ask("GET", "/runs");
    // A list that cannot be had now is no reason to show nothing.
    return setLed((known) => (runs.status === 200 ? runs.answer : known ?? { games: [], runs: [] }));
  };
  const { error, seats, refresh } = useTable({
    realm: session.realm, ticket: "/session/ticket", load, setOffline, signedOut,
  });
  const alone = !offline && seats?.length === 0;
  useEffect(() => {
    if (!alone) return undefined;
    const timer = setInterval(refresh, PATIENCE);
    return () => clearInterval(timer);
  }, [alone]);
  if (error) return html`<p class="card message bad" role="alert">${error}</p>`;
  if (!seats || !led) return html`<p role="status">${t("loading")}</p>`;
  return html`
    ${led.games.length > 0 && html`<${Runs} ...${{ led, offline, t, refresh }} />`}
    ${seats.length > 0 ? html`<${Seats} ...${{ seats, t, lang, offline }} />`
      : html`<p class="card">${t("noSeats")}</p>`}`;
}
