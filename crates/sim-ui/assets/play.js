// Everything behind the sign-in: the games a person plays in, and their views.

import { html } from "/assets/vendor/htm-preact.js";
import { useSeats } from "/assets/seats.js";
import { Player } from "/assets/player.js";
import { Leader } from "/assets/leader.js";

export function Page({ session, t, lang, offline, setOffline, signedOut }) {
  const games = session.games.filter((game) => game.seats.length > 0);
  const { error, places } = useSeats({
    realm: session.realm, ticket: "/session/ticket", games, setOffline, signedOut,
  });
  if (error) return html`<p class="card message bad" role="alert">${error}</p>`;
  if (!places) return html`<p role="status">${t("loading")}</p>`;
  const seats = places.flatMap(({ model, view }) =>
    model.seated.map((seat) => ({ model, view, seat })));
  if (seats.length === 0) return html`<p class="card">${t("noSeats")}</p>`;
  return seats.map(({ model, view, seat }) => {
    const Shown = seat.leader ? view.Leader ?? Leader : view.Player ?? Player;
    return html`<${Shown} key=${seat.runuser} ...${{ html, model, view, seat, t, lang, offline }} />`;
  });
}
